//! The module inside a layer, without ever holding more than is allowed.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use super::manifest::Form;

/// What an archive may have beside its module: headers, padding, a license.
const ARCHIVE_BYTES_MORE: u64 = 8 << 20;
/// The name that image builders agreed on; any other single `.wasm` file does too.
const NAME: &str = "plugin.wasm";

/// The bytes of the module. The error is a sentence about the layer.
pub fn unpack(layer: Vec<u8>, form: Form, module_bytes_max: u64) -> Result<Vec<u8>, String> {
    match form {
        Form::Plain if layer.len() as u64 > module_bytes_max => Err(too_large(module_bytes_max)),
        Form::Plain => Ok(layer),
        Form::Tar => archive(layer.as_slice(), module_bytes_max),
        Form::TarGzip => archive(MultiGzDecoder::new(layer.as_slice()), module_bytes_max),
    }
}

fn archive(packed: impl Read, module_bytes_max: u64) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("its layer is not a tar archive that can be read: {error}");
    let mut archive = tar::Archive::new(packed.take(module_bytes_max.saturating_add(ARCHIVE_BYTES_MORE)));
    let mut found: Option<Vec<u8>> = None;
    for entry in archive.entries().map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path().map_err(unreadable)?.into_owned();
        let is_named = path.file_name().is_some_and(|name| name == NAME);
        if !entry.header().entry_type().is_file() || path.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        if found.is_some() && !is_named {
            return Err(format!("its layer has several .wasm files, and none before is {NAME}"));
        }
        if entry.size() > module_bytes_max {
            return Err(too_large(module_bytes_max));
        }
        let mut bytes = Vec::new();
        entry.take(module_bytes_max).read_to_end(&mut bytes).map_err(unreadable)?;
        if is_named {
            return Ok(bytes);
        }
        found = Some(bytes);
    }
    found.ok_or_else(|| format!("its layer has no {NAME}"))
}

fn too_large(module_bytes_max: u64) -> String {
    format!("its module has more than {module_bytes_max} bytes")
}
