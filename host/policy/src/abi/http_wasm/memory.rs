//! How values cross into a guest's memory: whole or not at all, and lists with a NUL after each string.

use crate::copied::Counter;

/// A piece of guest memory: where, and how long.
pub(super) type Span = (u32, u32);

/// Ends a call that names bytes which are not in the guest's memory.
#[derive(Debug, thiserror::Error)]
#[error("the module named bytes outside of its memory")]
pub(super) struct Outside;

/// The guest's bytes at `at`.
pub(super) fn read<'a>(memory: &'a [u8], copied: &Counter, at: u32, length: u32) -> Result<&'a [u8], Outside> {
    let at = at as usize;
    copied.took(length as usize);
    memory.get(at..at.saturating_add(length as usize)).ok_or(Outside)
}

/// Those to write to.
pub(super) fn space(memory: &mut [u8], at: u32, length: u32) -> Result<&mut [u8], Outside> {
    let at = at as usize;
    memory.get_mut(at..at.saturating_add(length as usize)).ok_or(Outside)
}

/// Writes `value` if it fits into `limit`; gives its length either way.
pub(super) fn put(memory: &mut [u8], copied: &Counter, (at, limit): Span, value: &[u8]) -> Result<u32, Outside> {
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    if length > 0 && length <= limit {
        space(memory, at, length)?.copy_from_slice(value);
        copied.gave(value.len());
    }
    Ok(length)
}

/// Writes the strings, each with a NUL after it, if all fit into `limit`; gives their count in the upper half and their
/// length, with the NULs, in the lower.
pub(super) fn put_list<'a, I>(
    memory: &mut [u8],
    copied: &Counter,
    (at, limit): Span,
    strings: impl Fn() -> I,
) -> Result<u64, Outside>
where
    I: Iterator<Item = &'a [u8]>,
{
    let (count, bytes) = strings().fold((0_u64, 0), |(count, bytes), string| (count + 1, bytes + string.len() + 1));
    let length = u32::try_from(bytes).unwrap_or(u32::MAX);
    if length > 0 && length <= limit {
        let mut rest = space(memory, at, length)?;
        for string in strings() {
            let (here, after) = rest.split_at_mut_checked(string.len() + 1).ok_or(Outside)?;
            if let [text @ .., end] = here {
                text.copy_from_slice(string);
                *end = 0;
            }
            rest = after;
        }
        copied.gave(bytes);
    }
    Ok(count << 32 | u64::from(length))
}

#[cfg(test)]
mod tests;
