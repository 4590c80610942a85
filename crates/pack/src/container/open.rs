//! Opening a container: finding its streams, following them, and deciding whether it pays.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use headstart_model::{Digest, DigestHasher};

use super::bits::Stop;
use super::block::Block;
use super::inflate::Inflater;
use super::predictor::{LOOKAHEAD, Parameters, Predictor};
use super::recipe::{RecipeWriter, Segment};
use super::{STREAM_PLAIN_MAX, corrections, find, recreate};
use crate::limits::RECIPE_BYTES_MAX;
use crate::numbers::size;

/// Smaller files stay as they are.
const FILE_BYTES_MIN: u64 = 128;
/// Tokens by which the parameters of a stream are found.
const TRIAL_TOKENS: usize = 1 << 15;
/// Plain bytes that are compressed to see whether opening pays.
const SAMPLE_BYTES: usize = 2 * 1024 * 1024;
/// Streams that are refused before a file is given up, unless more were taken.
const REFUSED_MAX: u32 = 8;
/// A stream with more plain bytes for each of its own is more work for a device than it saves.
const RATIO_MAX: u64 = 64;

/// A file as its opened form, which lies in a scratch file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenedForm {
    /// Where in the scratch file.
    pub(crate) range: Range<u64>,
    /// The digest of the file.
    pub(crate) digest: Digest,
}

/// Opens the container `file` of `bytes` bytes and appends its opened form to `scratch`; `None`, and nothing appended, when it is none,
/// cannot be re-created, or when it does not pay. The form was tried: it makes exactly the bytes of the file.
pub(crate) fn open(
    file: &mut File,
    bytes: u64,
    scratch: &mut File,
) -> io::Result<Option<OpenedForm>> {
    if bytes < FILE_BYTES_MIN {
        return Ok(None);
    }
    let start = scratch.seek(SeekFrom::End(0))?;
    let mut opening = Opening::new(file, bytes, scratch);
    let opened = opening.run().and_then(|()| opening.finish(start));
    match opened {
        Ok(form) => {
            let mut read = BufReader::new(&mut *scratch);
            let again = recreate(&mut read, form.range.clone(), bytes, &mut io::sink());
            if again.is_ok_and(|digest| digest == form.digest) {
                return Ok(Some(form));
            }
        }
        Err(Stop::Refused) => {}
        Err(Stop::Io(error)) => return Err(error),
    }
    scratch.set_len(start)?;
    Ok(None)
}

/// Whether `file` begins as a container does. Reads four bytes.
pub(crate) fn begins_as_container(file: &mut File) -> io::Result<bool> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(4).read_to_end(&mut head)?;
    Ok(find::is_container(&head))
}

fn digest(file: &mut File) -> io::Result<(Digest, u64)> {
    file.seek(SeekFrom::Start(0))?;
    let (mut hasher, mut bytes) = (DigestHasher::new(), 0);
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((hasher.finish(), bytes));
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
        bytes += size(count);
    }
}

struct Opening<'a> {
    file: BufReader<&'a mut File>,
    bytes: u64,
    scratch: &'a mut File,
    recipe: RecipeWriter,
    /// Bytes of the file before this place are in the scratch file.
    done: u64,
    taken: u32,
    refused: u32,
    /// Bytes of the streams taken, as the file has them.
    packed: u64,
    likely: Option<Parameters>,
    sample: Vec<u8>,
    /// Bytes of streams that the sample stands for.
    sample_packed: u64,
}

/// A stream that was followed to its end.
struct Followed {
    packed: u64,
    plain: u64,
    parameters: Parameters,
    corrections: Vec<u8>,
}

impl<'a> Opening<'a> {
    fn new(file: &'a mut File, bytes: u64, scratch: &'a mut File) -> Self {
        Self {
            file: BufReader::with_capacity(64 * 1024, file),
            bytes,
            scratch,
            recipe: RecipeWriter::default(),
            done: 0,
            taken: 0,
            refused: 0,
            packed: 0,
            likely: None,
            sample: Vec::new(),
            sample_packed: 0,
        }
    }

    fn run(&mut self) -> Result<(), Stop> {
        let mut from = 0;
        while let Some(candidate) = find::next(&mut self.file, from)? {
            from = if let Some(end) = self.stream(candidate.start)? {
                end
            } else {
                self.refused += 1;
                if self.taken == 0 || self.refused > REFUSED_MAX.max(self.taken) {
                    return Err(Stop::Refused);
                }
                candidate.beyond
            };
        }
        Ok(())
    }

    /// Takes the stream at `start`, if it is one that can be re-created, and gives where it ends.
    fn stream(&mut self, start: u64) -> Result<Option<u64>, Stop> {
        let mark = self.scratch.stream_position()?;
        let (sample, sample_packed) = (self.sample.len(), self.sample_packed);
        let followed = self.copy_raw(start).and_then(|()| self.follow(start));
        match followed {
            Ok(followed) => {
                let mut bytes = vec![followed.parameters.to_byte()];
                bytes.extend_from_slice(&followed.corrections);
                self.recipe.push(&Segment {
                    raw_bytes: start - self.done,
                    plain_bytes: followed.plain,
                    corrections: &bytes,
                });
                if self.recipe.bytes() > RECIPE_BYTES_MAX {
                    return Err(Stop::Refused);
                }
                self.done = start + followed.packed;
                self.packed += followed.packed;
                self.taken += 1;
                self.likely = Some(followed.parameters);
                Ok(Some(self.done))
            }
            Err(Stop::Refused) => {
                self.scratch.set_len(mark)?;
                self.scratch.seek(SeekFrom::Start(mark))?;
                self.sample.truncate(sample);
                self.sample_packed = sample_packed;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn copy_raw(&mut self, end: u64) -> Result<(), Stop> {
        let wanted = end.checked_sub(self.done).ok_or(Stop::Refused)?;
        self.file.seek(SeekFrom::Start(self.done))?;
        let copied = io::copy(&mut self.file.by_ref().take(wanted), self.scratch)?;
        if copied == wanted { Ok(()) } else { Err(Stop::Refused) }
    }

    fn follow(&mut self, start: u64) -> Result<Followed, Stop> {
        self.file.seek(SeekFrom::Start(start))?;
        let mut inflater = Inflater::new(&mut self.file);
        let mut sample = Sample { plain: &mut self.sample, packed: &mut self.sample_packed };
        let mut first = Vec::new();
        let (mut plain, mut tokens) = (Vec::new(), 0);
        while tokens < TRIAL_TOKENS
            && let Some(block) = inflater.block()?
        {
            plain.extend_from_slice(inflater.plain());
            tokens += block.tokens.len() + inflater.plain().len() / 1024;
            first.push((block, inflater.plain().len()));
        }
        let parameters = parameters_of(&first, &plain, self.likely);
        sample.add(&plain, inflater.bytes());
        let mut follower = Follower {
            predictor: Predictor::new(parameters),
            blocks: first.into(),
            corrections: Vec::new(),
        };
        follower.predictor.push(&plain);
        self.scratch.write_all(&plain)?;
        let mut plain_bytes = size(plain.len());
        drop(plain);
        loop {
            follower.follow(Ends::Later);
            let bytes = inflater.bytes();
            if plain_bytes > STREAM_PLAIN_MAX
                || plain_bytes > bytes * RATIO_MAX + 1024 * 1024
                || size(follower.corrections.len()) > bytes * 3 / 100 + 512
            {
                return Err(Stop::Refused);
            }
            let Some(block) = inflater.block()? else { break };
            self.scratch.write_all(inflater.plain())?;
            sample.add(inflater.plain(), inflater.bytes() - bytes);
            plain_bytes += size(inflater.plain().len());
            follower.predictor.push(inflater.plain());
            follower.blocks.push_back((block, inflater.plain().len()));
        }
        follower.follow(Ends::Here);
        let (packed, corrections) = (inflater.bytes(), follower.corrections);
        if size(corrections.len()) > packed * 3 / 100 + 24 {
            return Err(Stop::Refused);
        }
        Ok(Followed { packed, plain: plain_bytes, parameters, corrections })
    }

    /// Writes the rest and the recipe, and looks whether it paid.
    fn finish(mut self, start: u64) -> Result<OpenedForm, Stop> {
        if self.taken == 0 || self.packed < self.bytes / 20 || !self.pays()? {
            return Err(Stop::Refused);
        }
        self.copy_raw(self.bytes)?;
        let recipe = self.recipe.finish().ok_or(Stop::Refused)?;
        self.scratch.write_all(recipe.as_bytes())?;
        let end = self.scratch.stream_position()?;
        let (digest, bytes) = digest(self.file.into_inner())?;
        if bytes != self.bytes {
            return Err(Stop::Refused);
        }
        Ok(OpenedForm { range: start..end, digest })
    }

    /// Whether zstd makes the plain bytes and the corrections together smaller than deflate had made them: what updates save
    /// comes on top.
    fn pays(&self) -> io::Result<bool> {
        let level = 9;
        let plain = size(zstd::bulk::compress(&self.sample, level)?.len());
        let share = u128::from(self.recipe.bytes()) * u128::from(self.sample_packed);
        let corrections = share / u128::from(self.packed.max(1));
        Ok(u128::from(plain) + corrections < u128::from(self.sample_packed))
    }
}

/// The beginning of all plain bytes, as much as is looked at.
struct Sample<'a> {
    plain: &'a mut Vec<u8>,
    packed: &'a mut u64,
}

impl Sample<'_> {
    fn add(&mut self, plain: &[u8], packed: u64) {
        let part = plain.get(..SAMPLE_BYTES.saturating_sub(self.plain.len())).unwrap_or(plain);
        if !part.is_empty() {
            self.plain.extend_from_slice(part);
            *self.packed += packed * size(part.len()) / size(plain.len());
        }
    }
}

/// Whether more of a stream is to come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Here,
    Later,
}

struct Follower {
    predictor: Predictor,
    /// With their plain bytes.
    blocks: VecDeque<(Block, usize)>,
    corrections: Vec<u8>,
}

impl Follower {
    /// Writes down the corrections of every block behind which enough is known.
    fn follow(&mut self, ends: Ends) {
        let enough = |plain: usize, ahead: usize| ends == Ends::Here || ahead >= plain + LOOKAHEAD;
        while let Some((block, plain)) = self.blocks.pop_front() {
            if !enough(plain, self.predictor.ahead()) {
                return self.blocks.push_front((block, plain));
            }
            corrections::put(&mut self.corrections, &block, &mut self.predictor);
        }
    }
}

/// The parameters that need the fewest corrections for the first blocks of a stream: `likely` ones, if they need next to none.
fn parameters_of(first: &[(Block, usize)], plain: &[u8], likely: Option<Parameters>) -> Parameters {
    let tokens: usize = first.iter().map(|(block, _)| block.tokens.len()).sum();
    let enough = first.len() * 8 + tokens / 2048;
    let mut best: Option<(usize, Parameters)> = None;
    for parameters in likely.into_iter().chain(Parameters::all()) {
        let mut follower = Follower {
            predictor: Predictor::new(parameters),
            blocks: VecDeque::new(),
            corrections: Vec::new(),
        };
        follower.predictor.push(plain);
        for (block, _) in first {
            corrections::put(&mut follower.corrections, block, &mut follower.predictor);
            if best.is_some_and(|(least, _)| follower.corrections.len() >= least) {
                break;
            }
        }
        let cost = follower.corrections.len();
        if best.is_none_or(|(least, _)| cost < least) {
            best = Some((cost, parameters));
        }
        if cost <= enough {
            break;
        }
    }
    best.map_or_else(Parameters::default, |(_, parameters)| parameters)
}
