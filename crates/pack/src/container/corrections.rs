//! How a stream differs from what zlib would have written. `docs/format/pack.md`, "Corrections".

use super::block::{Block, CodeTable, Coding, Token};
use super::predictor::{Parameters, Predictor};
use super::trees;
use super::{BLOCK_PLAIN_MAX, BLOCK_TOKENS_MAX, WASTED_BYTES_FREE, WASTED_STEPS_MAX};
use crate::error::FormatError;
use crate::numbers::size;
use crate::varint::{self, Cursor};

const STORED: u64 = 0;
const FIXED: u64 = 1;
const ZLIB_TABLE: u64 = 2;
const OWN_TABLE: u64 = 3;

/// Appends what tells `block`, whose bytes `predictor` has ahead, from a prediction, and goes on to its end.
pub(super) fn put(out: &mut Vec<u8>, block: &Block, predictor: &mut Predictor) {
    let last = u64::from(block.last);
    let count = size(block.tokens.len());
    match &block.coding {
        Coding::Stored { bytes } => {
            varint::put(out, last | STORED << 1);
            varint::put(out, u64::from(*bytes));
            return predictor.pass(usize::from(*bytes));
        }
        Coding::Fixed => {
            varint::put(out, last | FIXED << 1);
            varint::put(out, count);
        }
        Coding::Dynamic(table) => {
            let own = *table != trees::table_of(&block.tokens);
            varint::put(out, last | if own { OWN_TABLE } else { ZLIB_TABLE } << 1);
            varint::put(out, count);
            if own {
                put_table(out, table);
            }
        }
    }
    let (wrong, tokens) = mispredictions(&block.tokens, predictor);
    varint::put(out, wrong);
    out.extend_from_slice(&tokens);
}

/// Number of tokens that were not predicted, and what they are.
fn mispredictions(tokens: &[Token], predictor: &mut Predictor) -> (u64, Vec<u8>) {
    let mut out = Vec::new();
    let (mut wrong, mut right) = (0, 0);
    for token in tokens {
        let predicted = predictor.predict();
        if *token == predicted {
            right += 1;
        } else {
            wrong += 1;
            varint::put(&mut out, right);
            right = 0;
            match token {
                Token::Literal(_) => varint::put(&mut out, 0),
                Token::Match { length, distance } => {
                    varint::put(&mut out, u64::from(*length).saturating_sub(2));
                    varint::put(&mut out, u64::from(*distance));
                }
            }
        }
        predictor.commit(*token, predicted);
    }
    (wrong, out)
}

fn put_table(out: &mut Vec<u8>, table: &CodeTable) {
    varint::put(out, u64::from(table.literals));
    varint::put(out, u64::from(table.distances));
    varint::put_part(out, &table.order);
    varint::put(out, size(table.symbols.len()));
    for (symbol, more) in &table.symbols {
        out.push(*symbol);
        if *symbol >= 16 {
            out.push(*more);
        }
    }
}

/// The corrections of one stream, read block by block from bytes of unknown honesty.
#[derive(Debug)]
pub(super) struct Corrections<'a> {
    cursor: Cursor<'a>,
    parameters: Parameters,
}

/// The head of a block.
#[derive(Debug)]
pub(super) struct BlockHead {
    pub(super) last: bool,
    pub(super) kind: BlockKind,
}

#[derive(Debug)]
pub(super) enum BlockKind {
    Stored { bytes: u16 },
    Fixed { tokens: usize },
    Dynamic { tokens: usize, table: Option<CodeTable> },
}

impl<'a> Corrections<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new("the corrections of a deflate stream", bytes);
        let parameters = Parameters::from_byte(cursor.byte()?)?;
        Ok(Self { cursor, parameters })
    }

    pub(super) const fn parameters(&self) -> Parameters {
        self.parameters
    }

    pub(super) fn block(&mut self) -> Result<BlockHead, FormatError> {
        let head = self.cursor.bounded("the kind of a deflate block", OWN_TABLE << 1 | 1)?;
        let most = size(BLOCK_TOKENS_MAX);
        let tokens = |cursor: &mut Cursor<'_>| {
            let count = cursor.bounded("the tokens of a deflate block", most)?;
            usize::try_from(count).map_err(|_| FormatError::Limit {
                what: "the tokens of a deflate block",
                found: count,
                limit: most,
            })
        };
        let cursor = &mut self.cursor;
        let kind = match head >> 1 {
            STORED => {
                let limit = u64::from(u16::MAX);
                let bytes = cursor.bounded("the bytes of a stored block", limit)?;
                BlockKind::Stored { bytes: u16::try_from(bytes).unwrap_or(u16::MAX) }
            }
            FIXED => BlockKind::Fixed { tokens: tokens(cursor)? },
            kind => {
                let tokens = tokens(cursor)?;
                let table = if kind == OWN_TABLE { Some(take_table(cursor)?) } else { None };
                BlockKind::Dynamic { tokens, table }
            }
        };
        Ok(BlockHead { last: head & 1 == 1, kind })
    }

    /// The tokens of a block. `more` pushes bytes into the predictor until enough are ahead.
    pub(super) fn tokens(
        &mut self,
        count: usize,
        predictor: &mut Predictor,
        more: &mut dyn FnMut(&mut Predictor) -> Result<(), FormatError>,
    ) -> Result<Vec<Token>, FormatError> {
        let mut wrong = self.cursor.bounded("the corrections of a block", size(count))?;
        let mut tokens = Vec::new();
        let mut right = if wrong > 0 { self.cursor.number()? } else { u64::MAX };
        let begin = predictor.at();
        for _ in 0..count {
            more(predictor)?;
            if predictor.ahead() == 0 {
                return Err(FormatError::Rule {
                    what: "a deflate stream has more tokens than bytes",
                });
            }
            let predicted = predictor.predict();
            let token = if right > 0 {
                right -= 1;
                predicted
            } else {
                wrong -= 1;
                let token = self.token(predictor)?;
                right = if wrong > 0 { self.cursor.number()? } else { u64::MAX };
                token
            };
            if !predictor.can_be(token) {
                return Err(FormatError::Rule {
                    what: "a correction stands for bytes that are not there",
                });
            }
            predictor.commit(token, predicted);
            let limit = (u64::from(predictor.at()) + WASTED_BYTES_FREE) * WASTED_STEPS_MAX;
            if predictor.wasted() > limit {
                let (what, found) = ("the work for what was not predicted", predictor.wasted());
                return Err(FormatError::Limit { what, found, limit });
            }
            tokens.push(token);
        }
        if wrong > 0 {
            return Err(FormatError::Rule {
                what: "a deflate block has corrections after its end",
            });
        }
        let plain = u64::from(predictor.at() - begin);
        if plain > BLOCK_PLAIN_MAX + 258 {
            let (what, limit) = ("the bytes of a deflate block", BLOCK_PLAIN_MAX);
            return Err(FormatError::Limit { what, found: plain, limit });
        }
        Ok(tokens)
    }

    fn token(&mut self, predictor: &Predictor) -> Result<Token, FormatError> {
        let narrow = |number: u64| u16::try_from(number).unwrap_or(0);
        match self.cursor.bounded("the length of a match", 256)? {
            0 => Ok(Token::Literal(predictor.next_bytes(1).first().copied().unwrap_or(0))),
            length => {
                let distance = self.cursor.bounded("the distance of a match", 32768)?;
                Ok(Token::Match { length: narrow(length + 2), distance: narrow(distance) })
            }
        }
    }

    pub(super) fn finish(self) -> Result<(), FormatError> {
        self.cursor.finish()
    }
}

fn take_table(cursor: &mut Cursor<'_>) -> Result<CodeTable, FormatError> {
    let wrong = || FormatError::Rule { what: "the codes of a deflate block are none" };
    let literals = u16::try_from(cursor.bounded("the literal codes of a block", 286)?);
    let distances = u16::try_from(cursor.bounded("the distance codes of a block", 30)?);
    let order = cursor.part("the codes of a deflate block")?.rest().to_vec();
    let count = cursor.count("the code lengths of a block", 286 + 30, 1)?;
    let mut symbols = Vec::with_capacity(count);
    for _ in 0..count {
        let symbol = cursor.byte()?;
        let more = if symbol >= 16 { cursor.byte()? } else { 0 };
        symbols.push((symbol, more));
    }
    let table = CodeTable {
        literals: literals.map_err(|_| wrong())?,
        distances: distances.map_err(|_| wrong())?,
        order,
        symbols,
    };
    let fits = table.literals >= 257
        && table.distances >= 1
        && (4..=19).contains(&table.order.len())
        && table.order.iter().all(|length| *length < 8)
        && table.symbols.iter().all(|(symbol, more)| {
            *symbol < 19 && u32::from(*more) < 1 << super::block::repeat_bits(*symbol).max(1)
        })
        && table.lengths().is_some();
    if fits { Ok(table) } else { Err(wrong()) }
}
