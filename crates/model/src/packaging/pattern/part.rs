//! One part of a pattern.

/// What stands between two slashes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Part {
    /// `**`.
    AnyParts,
    /// Anything else.
    Name(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Token {
    /// `*`.
    AnyRun,
    /// `?`.
    AnyOne,
    Plain(char),
    /// `[…]`: ranges, both ends included.
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Part {
    /// `None` when a set is not closed or has a range from high to low.
    pub(super) fn new(text: &str) -> Option<Self> {
        if text == "**" {
            return Some(Self::AnyParts);
        }
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            tokens.push(match first {
                '*' => Token::AnyRun,
                '?' => Token::AnyOne,
                '[' => {
                    let (set, after) = set(rest)?;
                    rest = after;
                    set
                }
                plain => Token::Plain(plain),
            });
        }
        Some(Self::Name(tokens))
    }

    /// Whether it has no wildcard.
    pub(super) fn is_plain(&self) -> bool {
        match self {
            Self::AnyParts => false,
            Self::Name(tokens) => tokens.iter().all(|token| matches!(token, Token::Plain(_))),
        }
    }

    /// Whether the whole of `name` matches; `**` matches one name like any other.
    pub(super) fn matches(&self, name: &str) -> bool {
        let Self::Name(tokens) = self else { return true };
        let name: Vec<char> = name.chars().collect();
        // `reached[n]`: the tokens looked at so far can match the first n characters.
        let mut reached = vec![false; name.len() + 1];
        if let Some(start) = reached.first_mut() {
            *start = true;
        }
        for token in tokens {
            reached = if *token == Token::AnyRun {
                let mut before = false;
                let step = |from: &bool| {
                    before |= *from;
                    before
                };
                reached.iter().map(step).collect()
            } else {
                let steps = reached.iter().zip(&name).map(|(from, c)| *from && token.matches(*c));
                std::iter::once(false).chain(steps).collect()
            };
        }
        reached.last().copied().unwrap_or(false)
    }
}

impl Token {
    fn matches(&self, character: char) -> bool {
        match self {
            Self::AnyRun | Self::AnyOne => true,
            Self::Plain(plain) => *plain == character,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != *negated
            }
        }
    }
}

/// The set that begins `text`, whose `[` was taken, and what follows it. A `]` as first member is a member.
fn set(text: &str) -> Option<(Token, &str)> {
    let members = text.strip_prefix(['!', '^']);
    let (negated, text) = (members.is_some(), members.unwrap_or(text));
    let (close, _) = text.char_indices().skip(1).find(|(_, character)| *character == ']')?;
    let (members, after) = text.split_at(close);
    let members: Vec<char> = members.chars().collect();
    let mut ranges = Vec::new();
    let mut left = members.as_slice();
    while let [low, rest @ ..] = left {
        let (high, rest) = match rest {
            ['-', high, rest @ ..] => (high, rest),
            rest => (low, rest),
        };
        if low > high {
            return None;
        }
        ranges.push((*low, *high));
        left = rest;
    }
    Some((Token::Set { negated, ranges }, after.strip_prefix(']')?))
}
