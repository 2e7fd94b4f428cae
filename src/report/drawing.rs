//! Lanes over time, laid out for an SVG: whole tenths of a pixel, so that equal input gives equal bytes.
//! What a mark means is said by its shape and in words, never by its colour alone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::untrusted::{cut, visible};
use crate::domain::instant;

/// Width of the plot and of the names to its left, in pixels.
const PLOT: i64 = 700;
const NAMES: i64 = 230;
/// Height of a lane, and of what stands above the first.
const LANE: i64 = 40;
const TOP: i64 = 30;
/// Marks of a picture; beyond that neighbours are drawn as one, and the picture says so.
const MOST_MARKS: usize = 400;
/// Lanes of a picture; the table has all of them.
const MOST_LANES: usize = 40;
const DAY: i64 = 86_400_000_000;
const MINUTE: i64 = 60_000_000;

/// What a mark looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Look {
    /// Evidence, a list in force, a person present.
    Solid,
    /// The next of a row of the same kind.
    Second,
    /// There, but nothing says whether without a gap.
    Outline,
    /// A hole.
    Hole,
    /// Nothing, for no longer than is allowed.
    Blank,
    /// Nothing was supplied.
    Absent,
    /// An instant that is accounted for.
    Dot,
    /// An instant that is not.
    Cross,
}

impl Look {
    fn name(self) -> &'static str {
        match self {
            Self::Solid => "solid",
            Self::Second => "second",
            Self::Outline => "outline",
            Self::Hole => "hole",
            Self::Blank => "blank",
            Self::Absent => "absent",
            Self::Dot => "dot",
            Self::Cross => "cross",
        }
    }
}

/// A mark, from an instant to another (microseconds), or at one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) look: Look,
    pub(super) from: i64,
    pub(super) to: i64,
}

/// A row of marks.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub(super) name: String,
    /// The numbers of the lane, as the table has them.
    pub(super) says: String,
    pub(super) marks: Vec<Mark>,
}

/// A table beside a picture, with the same numbers.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    pub(super) caption: String,
    /// Heading, and whether the column holds numbers.
    pub(super) headings: Vec<(&'static str, bool)>,
    pub(super) rows: Vec<Vec<String>>,
    /// Rows there would be without a limit.
    pub(super) total: usize,
}

/// A picture with its tables.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    pub(super) id: String,
    pub(super) title: String,
    /// The picture in words.
    pub(super) says: String,
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) lanes: Vec<Lane>,
    pub(super) legend: Vec<(Look, &'static str)>,
    pub(super) grids: Vec<Grid>,
}

impl Picture {
    /// What the template draws.
    pub(super) fn laid_out(&self) -> Value {
        let span = (self.to - self.from).max(1);
        let shown: Vec<&Lane> = self.lanes.iter().take(MOST_LANES).collect();
        let (lanes, apart) = thinned(&shown, self.from, self.to);
        let mut notes = Vec::new();
        if shown.len() < self.lanes.len() {
            notes.push(format!("The first {} of {} rows are drawn; the table has all of them.", shown.len(), self.lanes.len()));
        }
        if apart > 0 {
            let (all, drawn): (usize, usize) = (shown.iter().map(|l| l.marks.len()).sum(), lanes.iter().map(Vec::len).sum());
            let near = (i128::from(apart) * i128::from(span) / i128::from(PLOT * 10) / i128::from(MINUTE)).max(1);
            notes
                .push(format!("{all} marks are drawn as {drawn}: those of one kind that lie within {near} minutes of each other are one."));
        }
        let drawn: BTreeSet<Look> = lanes.iter().flatten().map(|mark| mark.look).collect();
        let lanes: Vec<Value> = (0..)
            .zip(shown.iter().zip(lanes))
            .map(|(number, (lane, marks))| {
                let y = TOP + number * LANE;
                let name = |text: &str| cut(visible(text), 34, "…");
                let marks: Vec<Value> = marks.into_iter().map(|mark| self.mark(mark, y)).collect();
                json!({ "y": y, "name_at": y + 16, "says_at": y + 31, "line_at": y + LANE - 2, "name": name(&lane.name), "says": name(&lane.says), "marks": marks })
            })
            .collect();
        let bottom = TOP + LANE * i64::try_from(shown.len()).unwrap_or_default();
        let (mut x, mut y) = (10, bottom + 8);
        let legend: Vec<Value> = self
            .legend
            .iter()
            .filter(|(look, _)| drawn.contains(look))
            .map(|(look, words)| {
                let wide = 44 + 7 * i64::try_from(words.chars().count()).unwrap_or_default();
                if x + wide > NAMES + PLOT + 20 {
                    (x, y) = (10, y + 22);
                }
                let item = json!({ "look": look.name(), "x": x, "y": y, "mid": y + 8, "cx": x + 11, "text_at": x + 30, "base": y + 13, "words": words });
                x += wide;
                item
            })
            .collect();
        json!({
            "id": self.id, "title": self.title, "says": self.says, "notes": notes, "width": NAMES + PLOT + 20, "height": y + 26,
            "left": NAMES, "right": NAMES + PLOT, "bottom": bottom, "lanes": lanes, "legend": legend, "ticks": self.ticks(),
            "grids": self.grids.iter().map(Grid::laid_out).collect::<Vec<_>>(),
        })
    }

    /// Tenths of a pixel from the left end of the plot.
    fn tenths(&self, at: i64) -> i64 {
        let (from, to) = (i128::from(self.from), i128::from(self.to.max(self.from + 1)));
        let at = i128::from(at).clamp(from, to);
        i64::try_from((at - from) * i128::from(PLOT * 10) / (to - from)).unwrap_or_default()
    }

    fn mark(&self, mark: Mark, y: i64) -> Value {
        let (start, end) = (self.tenths(mark.from), self.tenths(mark.to));
        let middle = i64::midpoint(start, end);
        let (top, high) = match mark.look {
            Look::Second => (y + 19, 13),
            Look::Solid => (y + 6, 13),
            _ => (y + 4, 30),
        };
        // Accounted for below, not accounted for above: where the two meet, both are seen.
        let point = if mark.look == Look::Dot { y + 28 } else { y + 11 };
        let pixels = |tenths: i64| format!("{}.{}", NAMES + tenths / 10, tenths % 10);
        let wide = (end - start).max(20);
        json!({
            "look": mark.look.name(), "x": pixels(start), "w": format!("{}.{}", wide / 10, wide % 10), "y": top, "h": high,
            "cx": pixels(middle), "cy": point, "l": pixels((middle - 50).max(0)), "r": pixels(middle + 50), "t": point - 5, "b": point + 5,
        })
    }

    /// At most seven, on whole days where the picture spans days, else on whole minutes.
    fn ticks(&self) -> Vec<Value> {
        let span = self.to - self.from;
        let unit = if span > 3 * DAY { DAY } else { MINUTE };
        let step = unit * ((span + 7 * unit - 1) / (7 * unit)).max(1);
        let first = (self.from + unit - 1).div_euclid(unit) * unit;
        (0..8)
            .map(|n| first + n * step)
            .filter(|at| *at <= self.to)
            .filter_map(|at| {
                let tenths = self.tenths(at);
                let text = instant::text(at);
                let words = if unit == DAY { text.get(..10)? } else { text.get(11..16)? }.to_owned();
                (tenths < (PLOT - 50) * 10).then(|| json!({ "x": format!("{}.{}", NAMES + tenths / 10, tenths % 10), "words": words }))
            })
            .collect()
    }
}

impl Grid {
    fn laid_out(&self) -> Value {
        let headings: Vec<Value> = self.headings.iter().map(|(words, number)| json!({ "words": words, "number": number })).collect();
        let rows: Vec<Vec<Value>> = self
            .rows
            .iter()
            .map(|row| {
                row.iter()
                    .zip(&self.headings)
                    .map(|(text, (_, number))| json!({ "lines": text.lines().collect::<Vec<_>>(), "number": number }))
                    .collect()
            })
            .collect();
        let whole = self.rows.len() == self.total;
        let more = if whole { String::new() } else { format!(" (the first {} of {}; all are in views/)", self.rows.len(), self.total) };
        json!({ "caption": format!("{}{more}", self.caption), "headings": headings, "rows": rows })
    }
}

/// The marks of each lane, neighbours of one look joined until there are few enough; and how near in
/// tenths of a pixel those lie that were joined, 0 where none were.
fn thinned(lanes: &[&Lane], from: i64, to: i64) -> (Vec<Vec<Mark>>, i64) {
    let mut marks: Vec<Vec<Mark>> = lanes.iter().map(|lane| lane.marks.clone()).collect();
    for lane in &mut marks {
        lane.sort_by_key(|mark| (mark.look, mark.from, mark.to));
    }
    let mut apart = 0;
    while marks.iter().map(Vec::len).sum::<usize>() > MOST_MARKS && apart < PLOT * 10 {
        apart = if apart == 0 { 10 } else { apart * 2 };
        let near = i64::try_from(i128::from(to - from) * i128::from(apart) / i128::from(PLOT * 10)).unwrap_or(i64::MAX);
        for lane in &mut marks {
            // Rows of two alternate only while each of them can be told apart.
            lane.iter_mut().filter(|mark| mark.look == Look::Second).for_each(|mark| mark.look = Look::Solid);
            lane.sort_by_key(|mark| (mark.look, mark.from, mark.to));
            let mut joined: Vec<Mark> = Vec::with_capacity(lane.len());
            for mark in lane.drain(..) {
                match joined.last_mut() {
                    Some(last) if last.look == mark.look && mark.from.saturating_sub(last.to) <= near => last.to = last.to.max(mark.to),
                    _ => joined.push(mark),
                }
            }
            *lane = joined;
        }
    }
    (marks, apart)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(marks: Vec<Mark>) -> Picture {
        Picture {
            id: "p".to_owned(),
            title: String::new(),
            says: String::new(),
            from: 0,
            to: 100 * DAY,
            lanes: vec![Lane { name: "lane".to_owned(), says: String::new(), marks }],
            legend: Vec::new(),
            grids: Vec::new(),
        }
    }

    #[test]
    fn few_marks_are_drawn_one_by_one() {
        let marks = (0_i64..).take(MOST_MARKS).map(|n| Mark { look: Look::Solid, from: n * DAY / 8, to: n * DAY / 8 }).collect();
        let drawn = picture(marks).laid_out();
        assert_eq!(drawn["lanes"][0]["marks"].as_array().unwrap().len(), MOST_MARKS);
        assert_eq!(drawn["notes"], json!([]));
    }

    #[test]
    fn many_marks_are_joined_and_the_picture_says_so() {
        let marks =
            (0..5_000).map(|n| Mark { look: if n == 2_500 { Look::Hole } else { Look::Solid }, from: n * DAY / 50, to: n * DAY / 50 });
        let drawn = picture(marks.collect()).laid_out();
        let marks = drawn["lanes"][0]["marks"].as_array().unwrap();
        assert!(marks.len() <= MOST_MARKS);
        assert!(marks.iter().any(|mark| mark["look"] == "hole"), "a hole is never joined to what it is a hole in");
        assert!(drawn["notes"][0].as_str().unwrap().starts_with("5000 marks are drawn as "));
    }

    #[test]
    fn marks_that_are_joined_begin_where_the_first_of_them_did() {
        let list = |n: i64| Mark { look: if n % 2 == 0 { Look::Solid } else { Look::Second }, from: n * DAY / 10, to: (n + 2) * DAY / 10 };
        let mut many = picture((0..1_000).map(list).collect());
        let few = [Mark { look: Look::Solid, from: DAY, to: 40 * DAY }, Mark { look: Look::Second, from: 30 * DAY, to: 60 * DAY }];
        let last = Mark { look: Look::Solid, from: 80 * DAY, to: 90 * DAY };
        many.lanes.push(Lane { name: "few".to_owned(), says: String::new(), marks: few.into_iter().chain([last]).collect() });
        let (drawn, apart) = thinned(&many.lanes.iter().collect::<Vec<_>>(), 0, 100 * DAY);
        assert!(apart > 0, "the marks of the first lane are too many");
        assert_eq!(drawn[1], [Mark { look: Look::Solid, from: DAY, to: 60 * DAY }, last]);
    }

    #[test]
    fn the_legend_has_what_is_drawn_and_nothing_else() {
        let mut picture = picture(vec![Mark { look: Look::Solid, from: 0, to: DAY }]);
        picture.legend = vec![(Look::Solid, "drawn"), (Look::Hole, "not drawn")];
        let legend = picture.laid_out()["legend"].clone();
        assert_eq!(legend.as_array().unwrap().iter().map(|item| item["words"].as_str().unwrap()).collect::<Vec<_>>(), ["drawn"]);
    }

    #[test]
    fn what_lies_beyond_the_ends_is_drawn_at_the_ends() {
        let drawn = picture(vec![Mark { look: Look::Solid, from: -DAY, to: 300 * DAY }]).laid_out();
        assert_eq!(drawn["lanes"][0]["marks"][0]["x"], format!("{NAMES}.0"));
        assert_eq!(drawn["lanes"][0]["marks"][0]["w"], format!("{PLOT}.0"));
    }
}
