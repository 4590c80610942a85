//! The parts of an index that travel: structure sections and names sections. `docs/format/pack.md`, "Sections".

use headstart_model::{Digest, Verified};
use zstd::zstd_safe::{CCtx, CParameter, DCtx, DParameter, compress_bound};

use crate::error::FormatError;
use crate::limits::{FORMAT_VERSION, FORMAT_VERSION_OLDEST, IndexLimits, STRUCTURE_BYTES_MAX};
use crate::numbers::{index, size};
use crate::table::BlockTable;
use crate::tree::{CompleteTree, Tree};
use crate::varint::{self, Cursor};

const MAGIC: &[u8; 3] = b"HSX";
const HEAD_BYTES: usize = 3 + 1 + 1 + 8;
const FULL: u8 = 1;
const DELTA: u8 = 2;
const LEVEL: i32 = 19;
const WINDOW_LOG_MAX: u32 = 30;

/// What a full structure section says: the tree, and where every chunk lies in the full bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// The tree of the version.
    pub tree: Tree,
    /// The blocks of the full bundle.
    pub table: BlockTable,
}

/// What the structure section of a delta bundle says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeltaStructure {
    /// The tree of the new version.
    pub tree: Tree,
    /// For each new chunk the old chunk with the same bytes, if there is one.
    pub same_as_old: Vec<Option<u32>>,
    /// The blocks of the delta bundle: every chunk that the old version lacks.
    pub table: BlockTable,
}

/// A full structure section.
///
/// # Errors
/// [`FormatError::Limit`] for a tree that is too large for the format.
pub fn encode_full(tree: &Tree, table: &BlockTable) -> Result<Vec<u8>, FormatError> {
    let mut plain = Vec::new();
    varint::put_part(&mut plain, &tree.encode());
    varint::put_part(&mut plain, &table.encode());
    seal(FULL, &plain, &[])
}

/// Reads a full structure section.
///
/// # Errors
/// [`FormatError`] naming what is wrong.
pub fn decode_full<B: AsRef<[u8]>>(section: &Verified<B>) -> Result<Structure, FormatError> {
    decode_full_limited(section, IndexLimits::FORMAT)
}

/// As [`decode_full`], of a section that nobody signed: it may unfold to `plain_bytes_max` bytes at most, and promise no more than
/// [`limits`](crate::limits) name for such.
///
/// # Errors
/// As [`decode_full`]; [`FormatError::Limit`] when it promises more.
pub fn decode_full_within<B: AsRef<[u8]>>(
    section: &Verified<B>,
    plain_bytes_max: u64,
) -> Result<Structure, FormatError> {
    decode_full_limited(section, IndexLimits::unsigned(plain_bytes_max))
}

pub(crate) fn decode_full_limited<B: AsRef<[u8]>>(
    section: &Verified<B>,
    limits: IndexLimits,
) -> Result<Structure, FormatError> {
    decode_full_by(section, limits.plain_bytes, |tree| Tree::decode_within(tree, limits))
}

/// As [`decode_full`], of a version that is published: see [`Tree::decode_kept`].
///
/// # Errors
/// As [`decode_full`], but for names that differ by case only.
pub fn decode_full_kept<B: AsRef<[u8]>>(section: &Verified<B>) -> Result<Structure, FormatError> {
    decode_full_by(section, STRUCTURE_BYTES_MAX, Tree::decode_kept)
}

fn decode_full_by<B: AsRef<[u8]>>(
    section: &Verified<B>,
    plain_bytes_max: u64,
    tree: impl Fn(&[u8]) -> Result<Tree, FormatError>,
) -> Result<Structure, FormatError> {
    let plain = unseal(FULL, section.as_bytes(), (&[], plain_bytes_max))?;
    let mut cursor = Cursor::new("the index", &plain);
    let tree = tree(cursor.part("the index")?.rest())?;
    let table = BlockTable::decode(cursor.part("the index")?.rest(), &tree, 0)?;
    cursor.finish()?;
    Ok(Structure { tree, table })
}

/// The structure section of a delta bundle from `old`.
///
/// # Errors
/// [`FormatError::Limit`] for a tree that is too large for the format.
pub fn encode_delta(old: &Tree, delta: &DeltaStructure) -> Result<Vec<u8>, FormatError> {
    let mut plain = Vec::new();
    varint::put_part(&mut plain, &delta.tree.encode());
    varint::put_part(&mut plain, &encode_mapping(&delta.same_as_old));
    varint::put_part(&mut plain, &delta.table.encode());
    // The old tree as prefix: what did not change costs next to nothing.
    seal(DELTA, &plain, &old.encode())
}

/// Reads the structure section of a delta bundle from `old`.
///
/// # Errors
/// [`FormatError`] naming what is wrong, also when `old` is another tree than the one the section was made for.
pub fn decode_delta<B: AsRef<[u8]>>(
    section: &Verified<B>,
    old: &Tree,
) -> Result<DeltaStructure, FormatError> {
    let plain = unseal(DELTA, section.as_bytes(), (&old.encode(), STRUCTURE_BYTES_MAX))?;
    let mut cursor = Cursor::new("the index", &plain);
    let tree = Tree::decode(cursor.part("the index")?.rest())?;
    let same_as_old = decode_mapping(cursor.part("the index")?, &tree, old)?;
    let table = BlockTable::decode(cursor.part("the index")?.rest(), &tree, old.chunk_count())?;
    cursor.finish()?;
    Ok(DeltaStructure { tree, same_as_old, table })
}

/// A names section: 32 bytes a chunk.
#[must_use]
pub fn encode_names(complete: &CompleteTree) -> Vec<u8> {
    complete.names().iter().flat_map(|name| *name.as_bytes()).collect()
}

/// Reads a names section and checks that tree and names together are the content that the catalog promises.
///
/// # Errors
/// [`FormatError`] when the number of names is wrong or the content is another one.
pub fn decode_names(
    tree: Tree,
    names: &[u8],
    content: &Digest,
) -> Result<CompleteTree, FormatError> {
    let (names, rest) = names.as_chunks::<{ Digest::LEN }>();
    let names = names.iter().map(|name| Digest::from_bytes(*name)).collect();
    let complete = CompleteTree::new(tree, names)
        .filter(|_| rest.is_empty())
        .ok_or(FormatError::Rule { what: "the index does not name every chunk" })?;
    check_content(&complete, content)?;
    Ok(complete)
}

/// Checks that `complete` is the content that the catalog promises.
///
/// # Errors
/// [`FormatError::Damaged`] when it is another one.
pub fn check_content(complete: &CompleteTree, content: &Digest) -> Result<(), FormatError> {
    let actual = complete.content();
    if actual == *content {
        return Ok(());
    }
    let source = headstart_model::VerifyError::Digest { expected: *content, actual };
    Err(FormatError::Damaged { what: "the index", source })
}

/// Runs of (new chunks without an old one, chunks that follow each other in both trees, first old chunk).
fn encode_mapping(same_as_old: &[Option<u32>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut expected = 0_i64;
    let mut rest = same_as_old;
    while !rest.is_empty() {
        let lone = rest.iter().take_while(|old| old.is_none()).count();
        rest = rest.get(lone..).unwrap_or_default();
        let first = rest.first().copied().flatten().unwrap_or(0);
        let run = (first..).zip(rest).take_while(|(number, old)| **old == Some(*number)).count();
        rest = rest.get(run..).unwrap_or_default();
        varint::put(&mut out, size(lone));
        varint::put(&mut out, size(run));
        if run > 0 {
            varint::put_signed(&mut out, i64::from(first) - expected);
            expected = i64::from(first) + i64::try_from(run).unwrap_or(i64::MAX);
        }
    }
    out
}

fn decode_mapping(
    mut column: Cursor<'_>,
    tree: &Tree,
    old: &Tree,
) -> Result<Vec<Option<u32>>, FormatError> {
    let wrong = || FormatError::Rule { what: "the old chunks of a delta are out of range" };
    let chunks = index(tree.chunk_count());
    let mut mapping: Vec<Option<u32>> = Vec::with_capacity(chunks);
    let mut expected = 0_i64;
    while !column.rest().is_empty() {
        let room = chunks - mapping.len();
        let lone =
            usize::try_from(column.number()?).ok().filter(|n| *n <= room).ok_or_else(wrong)?;
        mapping.resize(mapping.len() + lone, None);
        let run = usize::try_from(column.number()?)
            .ok()
            .filter(|n| *n <= room - lone)
            .ok_or_else(wrong)?;
        if run == 0 {
            if lone == 0 {
                return Err(wrong());
            }
            continue;
        }
        let first = expected.checked_add(column.signed()?).and_then(|n| u32::try_from(n).ok());
        let first = first.ok_or_else(wrong)?;
        expected = i64::from(first) + i64::try_from(run).unwrap_or(i64::MAX);
        for number in (u64::from(first)..).take(run) {
            let number = u32::try_from(number).map_err(|_| wrong())?;
            let new = u32::try_from(mapping.len()).map_err(|_| wrong())?;
            // Equal bytes have equal lengths; anything else would read past a chunk.
            if number >= old.chunk_count() || old.chunk_bytes(number) != tree.chunk_bytes(new) {
                return Err(wrong());
            }
            mapping.push(Some(number));
        }
    }
    if mapping.len() == chunks { Ok(mapping) } else { Err(wrong()) }
}

fn seal(kind: u8, plain: &[u8], prefix: &[u8]) -> Result<Vec<u8>, FormatError> {
    let found = size(plain.len());
    let limit = STRUCTURE_BYTES_MAX;
    if found > limit {
        return Err(FormatError::Limit { what: "the length of the index", found, limit });
    }
    let mut compressed = Vec::with_capacity(compress_bound(plain.len()));
    let mut context = CCtx::create();
    let window =
        (plain.len() + prefix.len()).max(1).next_power_of_two().ilog2().clamp(17, WINDOW_LOG_MAX);
    let compress = |context: &mut CCtx<'_>, compressed: &mut Vec<u8>| {
        context.set_parameter(CParameter::CompressionLevel(LEVEL))?;
        context.set_parameter(CParameter::WindowLog(window))?;
        context.set_parameter(CParameter::ContentSizeFlag(false))?;
        context.compress2(compressed, plain)
    };
    let prefixed = if prefix.is_empty() { Ok(0) } else { context.ref_prefix(prefix) };
    prefixed
        .and_then(|_| compress(&mut context, &mut compressed))
        .map_err(|_| FormatError::Rule { what: "the index could not be compressed" })?;
    let mut section = Vec::with_capacity(HEAD_BYTES + compressed.len());
    section.extend_from_slice(MAGIC);
    section.push(u8::try_from(FORMAT_VERSION).expect("far below 256"));
    section.push(kind);
    section.extend_from_slice(&found.to_le_bytes());
    section.extend_from_slice(&compressed);
    Ok(section)
}

fn unseal(kind: u8, section: &[u8], (prefix, limit): (&[u8], u64)) -> Result<Vec<u8>, FormatError> {
    let mut cursor = Cursor::new("the index", section);
    if cursor.array::<3>()? != *MAGIC {
        return Err(FormatError::Magic { what: "an index" });
    }
    let version = u32::from(cursor.byte()?);
    if !(FORMAT_VERSION_OLDEST..=FORMAT_VERSION).contains(&version) {
        let known = FORMAT_VERSION;
        return Err(FormatError::Version { what: "the index", found: version, known });
    }
    if cursor.byte()? != kind {
        return Err(FormatError::Magic { what: "an index of this kind" });
    }
    let found = u64::from_le_bytes(cursor.array()?);
    if found > limit {
        return Err(FormatError::Limit { what: "the length of the index", found, limit });
    }
    let capacity = usize::try_from(found).expect("limited far below memory");
    // The output has room for exactly what is promised, so a bomb ends at the promise; memory is touched only as it fills.
    let mut plain = Vec::with_capacity(capacity);
    let mut context = DCtx::create();
    let prefixed = if prefix.is_empty() { Ok(0) } else { context.ref_prefix(prefix) };
    prefixed
        .and_then(|_| context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)))
        .and_then(|_| context.decompress(&mut plain, cursor.rest()))
        .map_err(|_| FormatError::Rule { what: "the index cannot be decompressed" })?;
    if plain.len() == capacity {
        Ok(plain)
    } else {
        Err(FormatError::Rule { what: "the index is shorter than it says" })
    }
}
