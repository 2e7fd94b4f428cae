//! A pattern as steps: tried octet by octet from the start of a text, stepping back where a way fails.
//!
//! The lines of a log all have one shape, and nearly every step of a pattern then has one way to go: that
//! is several times quicker than the engines of `regex`, which must be as quick for every text. What these
//! steps find is what `regex` finds. They take texts in ASCII only, know no patterns but those that begin at
//! the start of the text, and give up where stepping back takes long: then `regex` decides.

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// A place that is none.
const NOWHERE: usize = usize::MAX;
/// How often a part is written out that repeats.
const WRITTEN_OUT: u32 = 8;

/// Characters, by their number.
type Set = [bool; 128];

fn has(set: &Set, octet: u8) -> bool {
    set.get(usize::from(octet)) == Some(&true)
}

/// What may stand at a place: characters, or the end of the text.
#[derive(Debug)]
struct Ahead {
    set: Box<Set>,
    end: bool,
}

impl Ahead {
    fn has(&self, next: Option<&u8>) -> bool {
        next.map_or(self.end, |octet| has(&self.set, *octet))
    }
}

#[derive(Debug)]
enum Step {
    Text(Box<[u8]>),
    Run(Run),
    /// The first way, else the second.
    Either([Way; 2]),
    Go(usize),
    Mark(usize),
    Start,
    End,
    Found,
}

/// A step to go on with, and what must stand there for that to be worth trying.
#[derive(Debug)]
struct Way {
    step: usize,
    ahead: Option<Ahead>,
}

/// A character of a set, several times.
#[derive(Debug)]
struct Run {
    set: Box<Set>,
    least: usize,
    most: usize,
    greedy: bool,
    /// What must stand behind it.
    then: Option<Ahead>,
    /// What must stand behind it is not of the set: it can only end where the set does.
    firm: bool,
}

/// How to go on when a way has failed.
#[derive(Debug)]
enum Back {
    /// With another step, at a place.
    Way(usize, usize),
    /// With a run that ends at a place, or before it.
    Shorter { run: usize, least: usize, end: usize },
    /// With a run that ends at a place or behind it, by so many characters at most.
    Longer { run: usize, end: usize, more: usize },
    /// With a mark as it was.
    Mark(usize, usize),
}

/// A pattern that begins at the start of a text.
#[derive(Debug)]
pub(super) struct Steps {
    steps: Vec<Step>,
    marks: usize,
}

/// Where the groups are, and the ways not tried yet.
#[derive(Debug, Default)]
pub(super) struct Trail {
    marks: Vec<usize>,
    back: Vec<Back>,
}

impl Trail {
    #[inline]
    pub(super) fn group(&self, group: usize) -> Option<(usize, usize)> {
        let (start, end) = (*self.marks.get(2 * group)?, *self.marks.get(2 * group + 1)?);
        (start != NOWHERE && end != NOWHERE).then_some((start, end))
    }
}

impl Steps {
    /// The steps of a pattern; nothing where it is of a kind that they do not know.
    pub(super) fn new(pattern: &Hir) -> Option<Self> {
        if !pattern.properties().look_set_prefix().contains(Look::Start) {
            return None;
        }
        let mut steps = Self { steps: Vec::new(), marks: 2 * (pattern.properties().explicit_captures_len() + 1) };
        steps.add(pattern)?;
        steps.steps.push(Step::Found);
        steps.look_ahead();
        Some(steps)
    }

    fn add(&mut self, part: &Hir) -> Option<()> {
        match part.kind() {
            HirKind::Empty => {}
            HirKind::Literal(text) => self.steps.push(Step::Text(text.0.clone())),
            HirKind::Class(class) => self.run(set_of(class), 1, 1, true),
            HirKind::Look(Look::Start) => self.steps.push(Step::Start),
            HirKind::Look(Look::End) => self.steps.push(Step::End),
            HirKind::Look(_) => return None,
            HirKind::Capture(group) => {
                let mark = 2 * usize::try_from(group.index).ok()?;
                self.steps.push(Step::Mark(mark));
                self.add(&group.sub)?;
                self.steps.push(Step::Mark(mark + 1));
            }
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.add(part))?,
            HirKind::Alternation(ways) => {
                let (last, others) = ways.split_last()?;
                let mut ends = Vec::new();
                for way in others {
                    let fork = self.hold();
                    self.add(way)?;
                    ends.push(self.hold());
                    self.put(fork, either(fork + 1, self.steps.len()))?;
                }
                self.add(last)?;
                let after = self.steps.len();
                ends.into_iter().try_for_each(|end| self.put(end, Step::Go(after)))?;
            }
            HirKind::Repetition(repetition) => self.repeat(repetition)?,
        }
        Some(())
    }

    fn repeat(&mut self, repetition: &Repetition) -> Option<()> {
        let (least, most) = (repetition.min, repetition.max.unwrap_or(u32::MAX));
        if let Some(set) = one_of(&repetition.sub) {
            let most = repetition.max.map_or(Some(usize::MAX), |most| usize::try_from(most).ok())?;
            self.run(set, usize::try_from(least).ok()?, most, repetition.greedy);
            return Some(());
        }
        let endless = repetition.max.is_none();
        // A part that may be nothing would go round for ever.
        if least > WRITTEN_OUT || (!endless && most > WRITTEN_OUT) || repetition.sub.properties().minimum_len() == Some(0) {
            return None;
        }
        for _ in 0..least {
            self.add(&repetition.sub)?;
        }
        let mut forks = Vec::new();
        for _ in least..if endless { least + 1 } else { most } {
            forks.push(self.hold());
            self.add(&repetition.sub)?;
        }
        if endless {
            self.steps.push(Step::Go(*forks.first()?));
        }
        let after = self.steps.len();
        forks
            .into_iter()
            .try_for_each(|fork| self.put(fork, if repetition.greedy { either(fork + 1, after) } else { either(after, fork + 1) }))
    }

    fn run(&mut self, set: Set, least: usize, most: usize, greedy: bool) {
        self.steps.push(Step::Run(Run { set: Box::new(set), least, most, greedy, then: None, firm: false }));
    }

    /// The place of a step that is known later.
    fn hold(&mut self) -> usize {
        self.steps.push(Step::Go(NOWHERE));
        self.steps.len() - 1
    }

    fn put(&mut self, at: usize, step: Step) -> Option<()> {
        *self.steps.get_mut(at)? = step;
        Some(())
    }

    /// Tells every run and every fork what stands behind it.
    fn look_ahead(&mut self) {
        for at in 0..self.steps.len() {
            let then = self.ahead(at + 1);
            let ways = match self.steps.get(at) {
                Some(Step::Either(ways)) => ways.each_ref().map(|way| self.ahead(way.step)),
                _ => [None, None],
            };
            match self.steps.get_mut(at) {
                Some(Step::Run(run)) => {
                    let apart = |then: &Ahead| run.set.iter().zip(then.set.iter()).all(|(here, there)| !(*here && *there));
                    run.firm = then.as_ref().is_some_and(apart);
                    run.then = then;
                }
                Some(Step::Either(known)) => known.iter_mut().zip(ways).for_each(|(way, ahead)| way.ahead = ahead),
                _ => {}
            }
        }
    }

    /// What the way from a step must begin with; nothing where it may be anything.
    fn ahead(&self, step: usize) -> Option<Ahead> {
        let mut ahead = Ahead { set: Box::new([false; 128]), end: false };
        self.begins(step, &mut ahead, &mut vec![false; self.steps.len()])?;
        Some(ahead)
    }

    fn begins(&self, step: usize, ahead: &mut Ahead, seen: &mut [bool]) -> Option<()> {
        if std::mem::replace(seen.get_mut(step)?, true) {
            return Some(());
        }
        match self.steps.get(step)? {
            Step::Text(text) => *ahead.set.get_mut(usize::from(*text.first()?))? = true,
            Step::Run(run) => {
                ahead.set.iter_mut().zip(run.set.iter()).for_each(|(all, here)| *all |= here);
                if run.least == 0 {
                    self.begins(step + 1, ahead, seen)?;
                }
            }
            Step::Either(ways) => ways.iter().try_for_each(|way| self.begins(way.step, ahead, seen))?,
            Step::Go(next) => self.begins(*next, ahead, seen)?,
            Step::Mark(_) | Step::Start => self.begins(step + 1, ahead, seen)?,
            Step::End => ahead.end = true,
            Step::Found => return None,
        }
        Some(())
    }

    /// Whether the pattern matches from the start of a text in ASCII; nothing where that takes too long.
    pub(super) fn find(&self, text: &[u8], trail: &mut Trail) -> Option<bool> {
        let Trail { marks, back } = trail;
        back.clear();
        marks.clear();
        marks.resize(self.marks, NOWHERE);
        let mut patience = 32 * text.len() + 1_024;
        let (mut step, mut at) = (0, 0);
        loop {
            let on = match self.steps.get(step)? {
                Step::Text(wanted) => text.get(at..).is_some_and(|rest| rest.starts_with(wanted)).then_some(at + wanted.len()),
                Step::Run(run) => {
                    let end = run.first_end(step, text, at, back, &mut patience);
                    patience = patience.checked_sub(1)?;
                    end
                }
                Step::Either([one, other]) => {
                    let next = text.get(at);
                    let [first, second] = [one, other].map(|way| way.ahead.as_ref().is_none_or(|ahead| ahead.has(next)));
                    if first && second {
                        back.push(Back::Way(other.step, at));
                    }
                    step = if first { one.step } else { other.step };
                    continue;
                }
                Step::Go(next) => {
                    step = *next;
                    continue;
                }
                Step::Mark(mark) => {
                    let place = marks.get_mut(*mark)?;
                    if !back.is_empty() {
                        back.push(Back::Mark(*mark, *place));
                    }
                    *place = at;
                    Some(at)
                }
                Step::Start => (at == 0).then_some(at),
                Step::End => (at == text.len()).then_some(at),
                Step::Found => return Some(true),
            };
            (step, at) = match on {
                Some(place) => (step + 1, place),
                None => match self.step_back(text, marks, back, &mut patience) {
                    Some(way) => way,
                    None => return (patience > 0).then_some(false),
                },
            };
        }
    }

    /// The last way not tried yet; nothing where there is none, or no patience for it.
    fn step_back(&self, text: &[u8], marks: &mut [usize], back: &mut Vec<Back>, patience: &mut usize) -> Option<(usize, usize)> {
        loop {
            *patience = patience.saturating_sub(1);
            if *patience == 0 {
                return None;
            }
            let (run, end) = match back.pop()? {
                Back::Way(step, at) => return Some((step, at)),
                Back::Mark(mark, before) => {
                    *marks.get_mut(mark)? = before;
                    continue;
                }
                Back::Shorter { run: step, least, end } => (step, self.run_at(step)?.shorter(step, text, least, end, back, patience)),
                Back::Longer { run: step, end, more } => (step, self.run_at(step)?.longer(step, text, end, more, back, patience)),
            };
            if let Some(end) = end {
                return Some((run + 1, end));
            }
        }
    }

    fn run_at(&self, step: usize) -> Option<&Run> {
        match self.steps.get(step)? {
            Step::Run(run) => Some(run),
            _ => None,
        }
    }
}

impl Run {
    /// Where it ends at first.
    fn first_end(&self, own: usize, text: &[u8], at: usize, back: &mut Vec<Back>, patience: &mut usize) -> Option<usize> {
        let rest = text.get(at..).unwrap_or_default();
        let most = if self.greedy || self.firm { self.most } else { self.least };
        let length = rest.iter().take(most).take_while(|octet| has(&self.set, **octet)).count();
        *patience = patience.saturating_sub(length);
        if length < self.least {
            None
        } else if !self.greedy && !self.firm {
            self.longer(own, text, at + length, self.most - length, back, patience)
        } else if self.firm && length < self.most {
            Some(at + length)
        } else {
            self.shorter(own, text, at + self.least, at + length, back, patience)
        }
    }

    /// The last place, from one back to another, behind which it may go on.
    fn shorter(&self, own: usize, text: &[u8], least: usize, end: usize, back: &mut Vec<Back>, patience: &mut usize) -> Option<usize> {
        let goes_on = |place: &usize| self.then.as_ref().is_none_or(|then| then.has(text.get(*place)));
        let found = (least..=end).rev().find(goes_on);
        *patience = patience.saturating_sub(end - found.unwrap_or(least));
        let place = found?;
        if place > least {
            back.push(Back::Shorter { run: own, least, end: place - 1 });
        }
        Some(place)
    }

    /// The first place from one on behind which it may go on.
    fn longer(&self, own: usize, text: &[u8], from: usize, more: usize, back: &mut Vec<Back>, patience: &mut usize) -> Option<usize> {
        let mut end = from;
        loop {
            let next = text.get(end);
            let goes_on = self.then.as_ref().is_none_or(|then| then.has(next));
            let grows = end - from < more && next.is_some_and(|octet| has(&self.set, *octet));
            if goes_on || !grows {
                *patience = patience.saturating_sub(end - from);
                if goes_on && grows {
                    back.push(Back::Longer { run: own, end: end + 1, more: more - (end - from) - 1 });
                }
                return goes_on.then_some(end);
            }
            end += 1;
        }
    }
}

fn either(one: usize, other: usize) -> Step {
    Step::Either([one, other].map(|step| Way { step, ahead: None }))
}

/// The set that a pattern of one character stands for.
fn one_of(pattern: &Hir) -> Option<Set> {
    match pattern.kind() {
        HirKind::Class(class) => Some(set_of(class)),
        HirKind::Literal(text) if text.0.len() == 1 => {
            let mut set = [false; 128];
            *set.get_mut(usize::from(*text.0.first()?))? = true;
            Some(set)
        }
        _ => None,
    }
}

/// The characters in ASCII of a class.
fn set_of(class: &Class) -> Set {
    let mut set = [false; 128];
    let mut put = |from: u32, to: u32| {
        let number = |character: u32| usize::try_from(character).unwrap_or(NOWHERE).min(128);
        set.iter_mut().take(number(to.saturating_add(1))).skip(number(from)).for_each(|has| *has = true);
    };
    match class {
        Class::Unicode(class) => class.iter().for_each(|range| put(u32::from(range.start()), u32::from(range.end()))),
        Class::Bytes(class) => class.iter().for_each(|range| put(u32::from(range.start()), u32::from(range.end()))),
    }
    set
}
