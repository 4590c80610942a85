//! CLDR's language distances, read from `cldr/language-matching.txt`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::subtags::Subtags;

static TEXT: &str = include_str!("../../cldr/language-matching.txt");

pub(super) static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(TEXT));

/// Distance of two languages of which no rule says anything. More than [`MAX`], so that they never match.
const LANGUAGE_DEFAULT: u32 = 80;
/// Distance of two scripts of which no rule says anything.
const SCRIPT_DEFAULT: u32 = 50;
/// Distance of two regions of which no rule says anything.
const REGION_DEFAULT: u32 = 4;

/// What is as far as this, or farther, is not near: two scripts that have nothing to do with each other. `Spec: packs 9`
/// names no bound; this is the one of ICU.
pub(super) const MAX: u32 = SCRIPT_DEFAULT;

/// The regions of a variable.
#[derive(Debug, Default)]
struct Variable {
    inside: HashSet<&'static str>,
    /// Regions such as `001` that are made of both kinds.
    across: HashSet<&'static str>,
}

/// What a rule says of a region.
#[derive(Debug, Clone, Copy)]
enum Pattern {
    Any,
    Is(&'static str),
    In(&'static str),
    NotIn(&'static str),
}

#[derive(Debug, Clone, Copy)]
struct RegionRule {
    language: &'static str,
    script: Option<&'static str>,
    desired: Pattern,
    supported: Pattern,
    distance: u32,
}

type Script = (&'static str, &'static str);

/// The rules. Where several say something of a pair, the first of them counts.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) paradigms: Vec<&'static str>,
    languages: HashMap<(&'static str, &'static str), u32>,
    scripts: HashMap<(Script, Script), u32>,
    regions: Vec<RegionRule>,
    variables: HashMap<&'static str, Variable>,
    #[cfg(test)]
    unread: Vec<&'static str>,
}

impl Table {
    fn read(text: &'static str) -> Self {
        let mut table = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if table.take(line).is_none() {
                #[cfg(test)]
                table.unread.push(line);
            }
        }
        table
    }

    /// None for a line that says nothing; a test sees to it that there is none.
    fn take(&mut self, line: &'static str) -> Option<()> {
        let (kind, rest) = line.split_once(' ')?;
        let mut words = rest.split(' ');
        match kind {
            "paradigm" => self.paradigms = words.collect(),
            "inside" => {
                let name = words.next()?;
                self.variable(name).inside = words.collect();
            }
            "across" => {
                let name = words.next()?;
                self.variable(name).across = words.collect();
            }
            "match" => {
                let (desired, supported) = (words.next()?, words.next()?);
                let distance = words.next()?.parse().ok()?;
                self.add(desired, supported, distance)?;
                match words.next() {
                    None => self.add(supported, desired, distance)?,
                    Some("one-way") => {}
                    Some(_) => return None,
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn variable(&mut self, name: &'static str) -> &mut Variable {
        self.variables.entry(name).or_default()
    }

    fn add(&mut self, desired: &'static str, supported: &'static str, distance: u32) -> Option<()> {
        let parts = |tag: &'static str| {
            let mut parts = tag.split('-');
            (parts.next().unwrap_or_default(), parts.next(), parts.next())
        };
        match (parts(desired), parts(supported)) {
            // The rules for everything else are the constants above.
            (("*", ..), ("*", ..)) => {}
            ((from, None, None), (to, None, None)) => {
                self.languages.entry((from, to)).or_insert(distance);
            }
            ((from, Some(script), None), (to, Some(other), None)) => {
                self.scripts.entry(((from, script), (to, other))).or_insert(distance);
            }
            ((from, Some(script), Some(region)), (to, Some(other), Some(wanted)))
                if from == to && script == other =>
            {
                self.regions.push(RegionRule {
                    language: from,
                    script: Some(script).filter(|script| *script != "*"),
                    desired: pattern(region),
                    supported: pattern(wanted),
                    distance,
                });
            }
            _ => return None,
        }
        Some(())
    }

    /// How far what is `supported` is from what is `desired`; none from [`MAX`] on.
    pub(super) fn distance(&self, desired: &Subtags, supported: &Subtags) -> Option<u32> {
        if desired.region != supported.region && (desired.is_pseudo() || supported.is_pseudo()) {
            return None;
        }
        let (from, to) = (desired.language.as_str(), supported.language.as_str());
        let mut distance = match self.languages.get(&(from, to)) {
            Some(distance) => *distance,
            None if from == to => 0,
            None => LANGUAGE_DEFAULT,
        };
        if distance < MAX && desired.script != supported.script {
            distance += self.script(desired, supported);
        }
        if distance < MAX && desired.region != supported.region {
            distance += self.region(desired, supported);
        }
        (distance < MAX).then_some(distance)
    }

    fn script(&self, desired: &Subtags, supported: &Subtags) -> u32 {
        let (Some(from), Some(to)) = (&desired.script, &supported.script) else {
            return SCRIPT_DEFAULT;
        };
        let from = (desired.language.as_str(), from.as_str());
        let to = (supported.language.as_str(), to.as_str());
        self.scripts.get(&(from, to)).copied().unwrap_or(SCRIPT_DEFAULT)
    }

    fn region(&self, desired: &Subtags, supported: &Subtags) -> u32 {
        let (Some(from), Some(to)) = (&desired.region, &supported.region) else {
            return REGION_DEFAULT;
        };
        let rules: Vec<&RegionRule> = self
            .regions
            .iter()
            .filter(|rule| [desired, supported].iter().all(|side| rule.is_for(side)))
            .collect();
        let variable = rules.iter().find_map(|rule| rule.variable());
        let variable = variable.and_then(|name| self.variables.get(name));
        // An area that is in part inside the variable is as far as the farther of its parts.
        let (from, to) = (from.as_str(), to.as_str());
        let mut farthest = None;
        for from_inside in sides(variable, from) {
            for to_inside in sides(variable, to) {
                let applies = |rule: &&&RegionRule| {
                    rule.desired.fits(from, *from_inside) && rule.supported.fits(to, *to_inside)
                };
                farthest = farthest.max(rules.iter().find(applies).map(|rule| rule.distance));
            }
        }
        farthest.unwrap_or(REGION_DEFAULT)
    }
}

/// Whether `region` is inside the variable, or both inside and outside.
fn sides(variable: Option<&Variable>, region: &str) -> &'static [bool] {
    match variable {
        Some(variable) if variable.across.contains(region) => &[true, false],
        Some(variable) if variable.inside.contains(region) => &[true],
        _ => &[false],
    }
}

impl Pattern {
    /// Whether it says something of `region`, looked at as inside or outside of the variable.
    fn fits(self, region: &str, inside: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Is(wanted) => wanted == region,
            Self::In(_) => inside,
            Self::NotIn(_) => !inside,
        }
    }
}

impl RegionRule {
    fn is_for(&self, tag: &Subtags) -> bool {
        let script = tag.script.as_ref().map(icu_locale::subtags::Script::as_str);
        self.language == tag.language.as_str() && (self.script.is_none() || self.script == script)
    }

    /// The variable that it speaks of; the rules of a language speak of one at most.
    fn variable(&self) -> Option<&'static str> {
        match self.desired {
            Pattern::In(name) | Pattern::NotIn(name) => Some(name),
            Pattern::Any | Pattern::Is(_) => None,
        }
    }
}

fn pattern(text: &'static str) -> Pattern {
    match text.strip_prefix('$') {
        _ if text == "*" => Pattern::Any,
        None => Pattern::Is(text),
        Some(name) => name.strip_prefix('!').map_or(Pattern::In(name), Pattern::NotIn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        assert_eq!(TABLE.unread, [""; 0]);
        let counts = (TABLE.languages.len(), TABLE.scripts.len(), TABLE.regions.len());
        assert!(counts.0 > 300 && counts.1 > 30 && counts.2 > 20, "{counts:?}");
        assert_eq!(TABLE.variables.len(), 4);
    }
}
