//! Puts a component into its file, which is never seen half-written.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::author::mistake::Mistake;

/// Replaces the file in one step, so that a running ingress reads the old bytes or the new ones. Leaves a file that has
/// these bytes already as it is; true if it was written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<bool, Mistake> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let store = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(".cardea-")
            .suffix(".tmp")
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    store().map_err(|error| Mistake::unwritable(path, error))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_only_when_it_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("made/on/the/way/a.wasm");
        assert_eq!(write(&path, b"one"), Ok(true));
        assert_eq!(write(&path, b"one"), Ok(false));
        assert_eq!(write(&path, b"two"), Ok(true));
        assert_eq!(std::fs::read(&path).expect("the file"), b"two");
        let left = std::fs::read_dir(path.parent().expect("a parent")).expect("a listing").count();
        assert_eq!(left, 1, "no temporary file stays");
    }
}
