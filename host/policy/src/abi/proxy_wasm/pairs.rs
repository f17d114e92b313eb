//! The wire form of header maps: how many pairs, the lengths of each, then names and values, each ended by a NUL.
//!
//! Little endian, 32 bits a number. An empty map may also be no bytes at all.

/// Of one map: pairs, and bytes of its wire form.
pub(super) const PAIRS_MAX: usize = 1024;
pub(super) const BYTES_MAX: usize = 1 << 20;

/// The bytes are no map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PairsError {
    #[error("more than 1,024 pairs")]
    TooMany,
    #[error("more than 1 MiB")]
    TooLarge,
    #[error("the bytes end before the map does, or go on after it")]
    Length,
    #[error("a name or value is not ended by a NUL")]
    Terminator,
}

pub(super) type Pair<'a> = (&'a [u8], &'a [u8]);

/// Reads a map; nothing is allocated before the bounds are known to hold.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<Pair<'_>>, PairsError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    if bytes.len() > BYTES_MAX {
        return Err(PairsError::TooLarge);
    }
    let (count, rest) = number(bytes)?;
    if count > PAIRS_MAX {
        return Err(PairsError::TooMany);
    }
    let (mut lengths, mut text) = rest.split_at_checked(count * 8).ok_or(PairsError::Length)?;
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        let (name, value);
        (name, lengths) = number(lengths)?;
        (value, lengths) = number(lengths)?;
        pairs.push((take(&mut text, name)?, take(&mut text, value)?));
    }
    if text.is_empty() { Ok(pairs) } else { Err(PairsError::Length) }
}

fn number(bytes: &[u8]) -> Result<(usize, &[u8]), PairsError> {
    let (number, rest) = bytes.split_first_chunk::<4>().ok_or(PairsError::Length)?;
    Ok((u32::from_le_bytes(*number) as usize, rest))
}

fn take<'a>(text: &mut &'a [u8], length: usize) -> Result<&'a [u8], PairsError> {
    let (part, rest) = text.split_at_checked(length).ok_or(PairsError::Length)?;
    match rest.split_first() {
        Some((0, rest)) => {
            *text = rest;
            Ok(part)
        }
        Some(_) => Err(PairsError::Terminator),
        None => Err(PairsError::Length),
    }
}

/// Bytes of the wire form.
pub(super) fn size<'a>(pairs: impl Iterator<Item = Pair<'a>>) -> usize {
    4 + pairs.map(|(name, value)| name.len() + value.len() + 10).sum::<usize>()
}

/// Adds the wire form to `out`; nothing for an empty map.
pub(super) fn encode(pairs: &[Pair<'_>], out: &mut Vec<u8>) {
    if pairs.is_empty() {
        return;
    }
    out.reserve(size(pairs.iter().copied()));
    out.extend_from_slice(&wire(pairs.len()));
    for (name, value) in pairs {
        out.extend_from_slice(&wire(name.len()));
        out.extend_from_slice(&wire(value.len()));
    }
    for (name, value) in pairs {
        out.extend_from_slice(name);
        out.push(0);
        out.extend_from_slice(value);
        out.push(0);
    }
}

/// Maps are far smaller than 4 GiB: a head has at most some megabytes.
fn wire(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests;
