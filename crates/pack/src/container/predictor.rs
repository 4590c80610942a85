//! What zlib would do next: its search for matches, step by step.
//!
//! zlib, gzip and Info-ZIP choose their tokens by one algorithm with nine sets of numbers. Following it, almost every token
//! of their streams is known beforehand; what differs is written down as a correction. What is predicted is part of the
//! format: a change here would turn every correction into another one.

use super::block::{MATCH_MAX, MATCH_MIN, Token};
use super::{FormatError, WINDOW};
use crate::numbers::{index, size};

/// Bytes of what follows that have to be known before a token is predicted, unless nothing more follows.
pub(super) const LOOKAHEAD: usize = 512;
const MASK: u32 = 0x7fff;
/// Matches reach back this far at most: the window less the room that zlib keeps free.
const REACH: u32 = 32768 - 262;
/// A match of three bytes from further back than this is not worth it.
const TOO_FAR: u32 = 4096;
/// Bytes that may lie before the window until they are dropped.
const SLACK: usize = 64 * 1024;

/// What a writer was told: its level, and the size of its hash table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameters {
    /// 1 to 9.
    level: u8,
    hash: HashBits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HashBits {
    Fifteen,
    Sixteen,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { level: 6, hash: HashBits::Fifteen }
    }
}

impl Parameters {
    /// Every set, the likeliest first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        [HashBits::Fifteen, HashBits::Sixteen].into_iter().flat_map(|hash| {
            [6, 9, 1, 5, 8, 7, 4, 3, 2].into_iter().map(move |level| Self { level, hash })
        })
    }

    pub(super) const fn to_byte(self) -> u8 {
        match self.hash {
            HashBits::Fifteen => self.level,
            HashBits::Sixteen => self.level | 0x10,
        }
    }

    pub(super) const fn from_byte(byte: u8) -> Result<Self, FormatError> {
        let level = byte & 0x0f;
        let hash = match byte >> 4 {
            0 => HashBits::Fifteen,
            1 => HashBits::Sixteen,
            _ => return Err(FormatError::Rule { what: "a deflate stream has unknown parameters" }),
        };
        match level {
            1..=9 => Ok(Self { level, hash }),
            _ => Err(FormatError::Rule { what: "a deflate stream has unknown parameters" }),
        }
    }

    const fn search(self) -> Search {
        let (good, lazy, nice, chain) = match self.level {
            1 => (4, 4, 8, 4),
            2 => (4, 5, 16, 8),
            3 => (4, 6, 32, 32),
            4 => (4, 4, 16, 16),
            5 => (8, 16, 32, 32),
            6 => (8, 16, 128, 128),
            7 => (8, 32, 128, 256),
            8 => (32, 128, 258, 1024),
            _ => (32, 258, 258, 4096),
        };
        Search { good, lazy, nice, chain, greedy: self.level <= 3 }
    }
}

/// The numbers of a level.
#[derive(Debug, Clone, Copy)]
struct Search {
    /// From this length of the last match on, only a quarter of the chain is searched.
    good: usize,
    /// From this length on, no better match is looked for one byte later; of greedy levels: longer ones are not remembered.
    lazy: usize,
    /// A match of this length ends the search.
    nice: usize,
    /// Candidates looked at.
    chain: u32,
    /// Takes the first match.
    greedy: bool,
}

#[derive(Debug, Clone, Copy)]
struct Found {
    length: usize,
    start: u32,
}

/// Follows a stream of plain bytes token by token. Memory: the window, what was pushed ahead, and half a MiB.
#[derive(Debug)]
pub(super) struct Predictor {
    search: Search,
    shift: u32,
    hash_mask: u32,
    /// By hash the last place that has it; 0 for none, so nothing is found at the first byte, as in zlib.
    head: Vec<u32>,
    /// By place the one before with the same hash.
    previous: Vec<u32>,
    plain: Vec<u8>,
    /// Place of the first byte of `plain`.
    base: u32,
    /// Place of the next token.
    at: u32,
    /// Places below are in the table, or left out for good.
    inserted: u32,
    /// What was found already at `at`, when the token before was put off for it.
    pending: Option<Found>,
    /// What was found one byte after the token predicted last, better than what it has.
    better: Option<Found>,
    /// Steps of the searches for which no token stands yet: candidates, and bytes compared with them.
    steps: u64,
    /// Steps of searches whose outcome was thrown away.
    wasted: u64,
}

impl Predictor {
    pub(super) fn new(parameters: Parameters) -> Self {
        let bits = if parameters.hash == HashBits::Fifteen { 15 } else { 16 };
        Self {
            search: parameters.search(),
            shift: u32::div_ceil(bits, 3),
            hash_mask: (1 << bits) - 1,
            head: vec![0; 1 << bits],
            previous: vec![0; WINDOW],
            plain: Vec::new(),
            base: 0,
            at: 0,
            inserted: 0,
            pending: None,
            better: None,
            steps: 0,
            wasted: 0,
        }
    }

    /// Appends plain bytes. The caller keeps the whole below 2³¹ bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.plain.extend_from_slice(bytes);
    }

    /// Bytes pushed that no token stands for yet.
    pub(super) fn ahead(&self) -> usize {
        self.plain.len().saturating_sub(index(self.at - self.base))
    }

    /// Bytes that tokens stand for so far.
    pub(super) const fn at(&self) -> u32 {
        self.at
    }

    /// Steps of searches that were for nothing, because what came was not what was predicted. zlib would not have made them: it
    /// goes on behind what it found.
    pub(super) const fn wasted(&self) -> u64 {
        self.wasted
    }

    /// The next bytes, up to `count`.
    pub(super) fn next_bytes(&self, count: usize) -> &[u8] {
        let start = index(self.at - self.base);
        let end = self.plain.len().min(start.saturating_add(count));
        self.plain.get(start..end).unwrap_or_default()
    }

    fn from(&self, place: u32) -> &[u8] {
        self.plain.get(index(place.wrapping_sub(self.base))..).unwrap_or_default()
    }

    fn insert_below(&mut self, end: u32) {
        for place in self.inserted..end {
            let Some([a, b, c]) = self.from(place).first_chunk().copied() else { break };
            let hash = u32::from(a) << self.shift ^ u32::from(b);
            let hash = (hash << self.shift ^ u32::from(c)) & self.hash_mask;
            let (Some(head), Some(previous)) =
                (self.head.get_mut(index(hash)), self.previous.get_mut(index(place & MASK)))
            else {
                break;
            };
            *previous = *head;
            *head = place;
        }
        self.inserted = self.inserted.max(end);
    }

    /// The longest match at `place`, which is in the table, that is longer than `than`.
    fn longest(&mut self, place: u32, than: usize) -> Option<Found> {
        let mut steps = 0;
        let found = self.search(place, than, &mut steps);
        self.steps += steps;
        found
    }

    fn search(&self, place: u32, than: usize, steps: &mut u64) -> Option<Found> {
        let here = self.from(place);
        let most = here.len().min(usize::from(MATCH_MAX));
        if most < usize::from(MATCH_MIN) || than >= most {
            return None;
        }
        let here = here.get(..most)?;
        let mut candidate = self.previous.get(index(place & MASK)).copied()?;
        if candidate == 0 || place.checked_sub(candidate)? > REACH {
            return None;
        }
        let limit = place.saturating_sub(REACH);
        let Search { good, nice, chain, .. } = self.search;
        let nice = nice.min(most);
        let mut chain = if than >= good { chain >> 2 } else { chain };
        let mut found: Option<Found> = None;
        loop {
            *steps += 1;
            let best = found.map_or(than, |found| found.length);
            let there = self.from(candidate);
            // Differs at the byte that would make it longer: the cheap test that most fail.
            if there.get(best) == here.get(best) {
                let length = here.iter().zip(there).take_while(|(a, b)| a == b).count();
                *steps += size(length);
                if length > best {
                    found = Some(Found { length, start: candidate });
                    if length >= nice {
                        return found;
                    }
                }
            }
            candidate = self.previous.get(index(candidate & MASK)).copied().unwrap_or(0);
            chain = chain.saturating_sub(1);
            if candidate <= limit || candidate >= place || chain == 0 {
                return found;
            }
        }
    }

    fn worthwhile(found: Found, place: u32) -> bool {
        found.length > usize::from(MATCH_MIN) || place - found.start <= TOO_FAR
    }

    /// The token that zlib would write next. At least [`LOOKAHEAD`] bytes are ahead, or all that there are, but one at least.
    pub(super) fn predict(&mut self) -> Token {
        self.better = None;
        let literal = Token::Literal(self.from(self.at).first().copied().unwrap_or(0));
        if self.search.greedy {
            self.insert_below(self.at + 1);
            return self.longest(self.at, 2).map_or(literal, |found| self.token(found));
        }
        let pending = self.pending.take();
        let found = pending.or_else(|| {
            self.insert_below(self.at + 1);
            self.longest(self.at, 2).filter(|found| Self::worthwhile(*found, self.at))
        });
        let Some(found) = found else { return literal };
        if found.length < self.search.lazy {
            self.insert_below(self.at + 2);
            self.better = self.longest(self.at + 1, found.length);
        }
        if self.better.is_some() { literal } else { self.token(found) }
    }

    fn token(&self, found: Found) -> Token {
        let narrow = |number: usize| u16::try_from(number).unwrap_or(0);
        Token::Match {
            length: narrow(found.length),
            distance: narrow(index(self.at - found.start)),
        }
    }

    /// Goes on after the token that was really written, of which all bytes are ahead. `predicted` is what was predicted.
    pub(super) fn commit(&mut self, token: Token, predicted: Token) {
        let better = self.better.take().filter(|_| token == predicted);
        if token != predicted {
            self.wasted += self.steps;
        }
        // A literal that is put off for a longer match stands for nothing yet: it is the match that pays for the search.
        if token != predicted || better.is_none() {
            self.steps = 0;
        }
        self.pending = None;
        match token {
            Token::Literal(_) => {
                self.insert_below(self.at + 1);
                self.at += 1;
                self.pending = better;
            }
            Token::Match { length, .. } => {
                let end = self.at + u32::from(length);
                if !self.search.greedy || usize::from(length) <= self.search.lazy {
                    self.insert_below(end);
                } else {
                    self.insert_below(self.at + 1);
                    self.inserted = self.inserted.max(end);
                }
                self.at = end;
            }
        }
        self.trim();
    }

    /// Goes on after bytes that were stored without tokens.
    pub(super) fn pass(&mut self, count: usize) {
        self.pending = None;
        self.wasted += std::mem::take(&mut self.steps);
        self.at += u32::try_from(count.min(self.ahead())).unwrap_or(0);
        self.insert_below(self.at);
        self.trim();
    }

    fn trim(&mut self) {
        let behind = index(self.at - self.base);
        if behind > WINDOW + SLACK {
            let dropped = behind - WINDOW;
            self.plain.drain(..dropped);
            self.base += u32::try_from(dropped).unwrap_or(0);
        }
    }

    /// Whether a match can be what was written here: it lies within what is known.
    pub(super) fn can_be(&self, token: Token) -> bool {
        match token {
            Token::Literal(_) => self.ahead() > 0,
            Token::Match { length, distance } => {
                (MATCH_MIN..=MATCH_MAX).contains(&length)
                    && usize::from(length) <= self.ahead()
                    && (1..=32768).contains(&distance)
                    && size(usize::from(distance)) <= u64::from(self.at)
            }
        }
    }
}
