//! The integration tests, in one binary so that they link once. Add a module here; `cfg(test)` on
//! it lets helpers unwrap.

#[cfg(test)]
mod branch;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod project;
#[cfg(test)]
mod write;
