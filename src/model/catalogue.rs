//! Stand-in until the real catalogue lands.
/// r
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// a
    pub major: u8,
    /// a
    pub minor: u16,
    /// a
    pub patch: u16,
}
impl std::str::FromStr for Release {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        let mut p = s.split(['.', '-']).map(|x| x.parse::<u16>());
        let mut n = || p.next().and_then(Result::ok).ok_or(());
        Ok(Self { major: u8::try_from(n()?).map_err(|_| ())?, minor: n()?, patch: n()? })
    }
}
/// stub
#[derive(Debug, Clone, Copy)]
pub struct Catalogue;
/// stub
#[derive(Debug, Clone, Copy)]
pub struct Class;
impl Class {
    /// stub
    pub fn props_index(&self) -> Option<usize> { None }
}
impl Catalogue {
    /// stub
    pub fn embedded() -> Self { Self }
    /// stub
    pub fn class(&self, _n: &str) -> Option<Class> { None }
    /// stub
    pub fn is_a(&self, a: &str, b: &str) -> bool { a == b }
}
