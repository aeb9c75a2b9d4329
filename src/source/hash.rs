//! A name for some bytes: equal bytes, equal name.

use git2::{ObjectType, Oid};

/// The git blob id of some bytes: a content hash that needs no further dependency.
///
/// # Errors
/// More bytes than git can name.
pub fn content_hash(bytes: &[u8]) -> std::io::Result<String> {
    Oid::hash_object(ObjectType::Blob, bytes).map(|id| id.to_string()).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_hash_is_that_of_a_git_blob() {
        assert_eq!(super::content_hash(b"hello\n").unwrap(), "ce013625030ba8dba906f756967f9e9ca394464a");
    }
}
