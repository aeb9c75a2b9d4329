//! All integration tests, as one program: one link instead of many. `cfg(test)` on a module lets its helpers unwrap.
#![expect(unreachable_pub, reason = "a test program has no outside")]

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod branch;
#[cfg(test)]
mod builders;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod checkov;
#[cfg(test)]
mod ci;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod custom;
#[cfg(test)]
mod deliver;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod editors;
#[cfg(test)]
mod generator;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod lsp;
#[cfg(test)]
mod lsp_client;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod npm;
#[cfg(test)]
mod packages;
#[cfg(test)]
mod pairs;
#[cfg(test)]
mod project;
#[cfg(test)]
mod prove;
#[cfg(test)]
mod push;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod report_diff;
#[cfg(test)]
mod review;
#[cfg(test)]
mod review_property;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod run;
#[cfg(test)]
mod sarif_schema;
#[cfg(test)]
mod saved_plan;
#[cfg(test)]
mod scope;
#[cfg(test)]
mod shell;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tap;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod torture;
#[cfg(test)]
mod write;
