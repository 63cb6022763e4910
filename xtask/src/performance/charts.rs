//! The charts of the page, as SVG. All have a white plate, so that they can be read on a dark page as well.

use super::figures::{Figures, ratio};
use super::page::{float, grouped, shown};
use super::result::{Outcome, Server};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use serde_json::Value;
use std::error::Error;
use std::ops::Range;

/// Of Okabe and Ito: they can be told apart also by those who see few colours.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(86, 180, 233),
];
const FONT: &str = "sans-serif";
/// In pixels, as all lengths here.
const WIDTH: u32 = 860;
const BAR: i32 = 9;

type Plate<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<T> = Result<T, Box<dyn Error>>;

/// All charts for which there are figures: file names and their content.
pub(crate) fn draw(outcome: &Outcome, figures: &Figures) -> Drawn<Vec<(&'static str, String)>> {
    let mut charts = Vec::new();
    for (name, chart) in [
        ("cpu-per-operation.svg", Bars::costs(outcome, figures)),
        ("memory-per-idle-connection.svg", Bars::memory(outcome, figures)),
    ] {
        if let Some(bars) = chart {
            charts.push((name, bars.draw()?));
        }
    }
    if let Some(lines) = Lines::sync(outcome, figures) {
        charts.push(("sync-by-mailbox-size.svg", lines.draw()?));
    }
    Ok(charts)
}

fn colour(number: usize) -> RGBColor {
    COLOURS.iter().copied().cycle().nth(number).unwrap_or(BLACK)
}

/// Of `size` pixels; plotters takes its sizes for points of its own, 1.24 to the pixel.
fn text(size: i32) -> TextStyle<'static> {
    (FONT, f64::from(size) * 1.24).into_font().color(&RGBColor(40, 40, 40))
}

fn aligned(size: i32, horizontal: HPos) -> TextStyle<'static> {
    text(size).pos(Pos::new(horizontal, VPos::Center))
}

fn plate(svg: &mut String, height: u32) -> Drawn<Plate<'_>> {
    let plate = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
    plate.fill(&WHITE)?;
    Ok(plate)
}

/// Powers of ten around all figures, as exponents.
fn decades(figures: impl Iterator<Item = f64>) -> Range<i32> {
    let figures = figures.filter(|figure| *figure > 0.0);
    let (least, most) =
        figures.fold((f64::INFINITY, 0.0), |(least, most), one: f64| (one.min(least), one.max(most)));
    let (low, high) = (exponent(least.log10().floor()), exponent(most.log10().ceil()));
    low..high.max(low + 1)
}

#[expect(clippy::cast_possible_truncation, reason = "it saturates, and what follows is bounded")]
fn exponent(figure: f64) -> i32 {
    (figure as i32).clamp(-9, 12)
}

/// What people see of a name, with its colour.
#[derive(Clone)]
struct Series {
    title: String,
    colour: RGBColor,
}

impl Series {
    fn all(servers: &[Server]) -> Vec<Self> {
        let series =
            |(number, server): (usize, &Server)| Self { title: server.title(), colour: colour(number) };
        servers.iter().enumerate().map(series).collect()
    }
}

fn legend(plate: &Plate<'_>, series: &[Series], y: i32) -> Drawn<()> {
    let mut x = LEFT;
    for one in series {
        plate.draw(&Rectangle::new([(x, y - 5), (x + 10, y + 5)], one.colour.filled()))?;
        plate.draw(&Text::new(one.title.clone(), (x + 15, y), aligned(13, HPos::Left)))?;
        x += 35 + 8 * i32::try_from(one.title.chars().count()).unwrap_or(0);
    }
    Ok(())
}

/// Where bars begin, and where they end at the latest.
const LEFT: i32 = 330;
const RIGHT: i32 = 790;
const TOP: i32 = 80;

/// Bars on a logarithmic scale, in groups.
struct Bars {
    title: String,
    series: Vec<Series>,
    /// Names, and a figure for each series.
    groups: Vec<(String, Vec<Option<f64>>)>,
    /// What stands behind a figure.
    unit: &'static str,
    /// Where bars begin: at 1, or at the least power of ten.
    begin: Begin,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    One,
    Least,
}

impl Bars {
    /// CPU of all but the first server, by that of the first.
    fn costs(outcome: &Outcome, figures: &Figures) -> Option<Self> {
        let (base, others) = outcome.servers.split_first()?;
        let mut groups = Vec::new();
        // A search for the first time says nothing that the same again does not, and there are many.
        let lines = figures.with(outcome.largest()).filter(|line| !line.variant.ends_with(", first"));
        for line in lines {
            let base = line.cpu(&base.server);
            let ratios: Vec<_> = others.iter().map(|server| ratio(line.cpu(&server.server), base)).collect();
            if ratios.iter().any(Option::is_some) {
                groups.push((line.name(), ratios));
            }
        }
        let title = format!("CPU for one operation, by that of {} (less is better)", base.title());
        let mut series = Series::all(&outcome.servers);
        series.remove(0);
        let is_something = !groups.is_empty();
        is_something.then_some(Self { title, series, groups, unit: "×", begin: Begin::One })
    }

    fn memory(outcome: &Outcome, figures: &Figures) -> Option<Self> {
        let line = figures.with(outcome.largest()).find(|line| line.workload == "idle")?;
        let mut groups = Vec::new();
        let count = outcome.servers.len();
        for (number, server) in outcome.servers.iter().enumerate() {
            let held =
                line.numbers(&server.server).and_then(|numbers| numbers.notes.get("pss_kib_per_session"));
            let mut bars = vec![None; count];
            if let Some(bar) = bars.get_mut(number) {
                *bar = held.and_then(Value::as_f64);
            }
            groups.push((server.title(), bars));
        }
        let title = "Memory for one idle connection over TLS, in KiB (PSS; less is better)".into();
        let series = Series::all(&outcome.servers);
        let is_something = groups.iter().any(|(_, bars)| bars.iter().any(Option::is_some));
        is_something.then_some(Self { title, series, groups, unit: " KiB", begin: Begin::Least })
    }

    fn draw(&self) -> Drawn<String> {
        let scale = self.scale();
        let rows = self.groups.iter().map(|(_, bars)| height(bars)).sum::<i32>();
        let mut svg = String::new();
        {
            let plate = plate(&mut svg, u32::try_from(TOP + rows + 20)?)?;
            plate.draw(&Text::new(self.title.clone(), (20, 22), aligned(17, HPos::Left)))?;
            legend(&plate, &self.series, 46)?;
            for exponent in scale.decades.start..=scale.decades.end {
                let (x, at) = (scale.x(10_f64.powi(exponent)), format!("{}{}", power(exponent), self.unit));
                let colour = if exponent == 0 { RGBColor(90, 90, 90) } else { RGBColor(215, 215, 215) };
                plate.draw(&PathElement::new(vec![(x, TOP - 6), (x, TOP + rows)], colour))?;
                plate.draw(&Text::new(at, (x, TOP - 14), aligned(11, HPos::Center)))?;
            }
            let mut y = TOP;
            for (name, bars) in &self.groups {
                let middle = y + height(bars) / 2;
                plate.draw(&Text::new(name.clone(), (LEFT - 10, middle), aligned(12, HPos::Right)))?;
                self.draw_group(&plate, &scale, bars, y + 3)?;
                y += height(bars);
            }
            plate.present()?;
        }
        Ok(svg)
    }

    fn draw_group(&self, plate: &Plate<'_>, scale: &Scale, bars: &[Option<f64>], mut y: i32) -> Drawn<()> {
        for (bar, series) in bars.iter().zip(&self.series) {
            let Some(figure) = bar.filter(|figure| *figure > 0.0) else { continue };
            let (begin, end) = (scale.x(scale.begin), scale.x(figure));
            let (from, to) = (begin.min(end), begin.max(end).max(begin.min(end) + 1));
            plate.draw(&Rectangle::new([(from, y), (to, y + BAR)], series.colour.filled()))?;
            let label = format!("{}{}", shown(figure), self.unit);
            let (x, side) = if end < begin { (end - 4, HPos::Right) } else { (end + 4, HPos::Left) };
            plate.draw(&Text::new(label, (x, y + BAR / 2), aligned(10, side)))?;
            y += BAR + 1;
        }
        Ok(())
    }

    fn scale(&self) -> Scale {
        let all = self.groups.iter().flat_map(|(_, bars)| bars.iter().flatten().copied());
        let decades = match self.begin {
            Begin::One => decades(all.chain([1.0])),
            Begin::Least => decades(all),
        };
        let begin = if self.begin == Begin::One { 1.0 } else { 10_f64.powi(decades.start) };
        Scale { decades, begin }
    }
}

/// Of a group with its bars.
fn height(bars: &[Option<f64>]) -> i32 {
    let bars = i32::try_from(bars.iter().flatten().count()).unwrap_or(0);
    (bars * (BAR + 1)).max(BAR + 1) + 8
}

fn power(exponent: i32) -> String {
    match u32::try_from(exponent) {
        Ok(exponent) => grouped(10_u64.saturating_pow(exponent)),
        Err(_) => format!("{}", 10_f64.powi(exponent)),
    }
}

struct Scale {
    decades: Range<i32>,
    begin: f64,
}

impl Scale {
    fn x(&self, figure: f64) -> i32 {
        let width = f64::from(self.decades.end - self.decades.start);
        let part = (figure.log10() - f64::from(self.decades.start)) / width;
        LEFT + exact(part * f64::from(RIGHT - LEFT))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "within the plate, or else it saturates")]
fn exact(pixels: f64) -> i32 {
    pixels.round() as i32
}

/// Lines over sizes of a mailbox, both on a logarithmic scale.
struct Lines {
    title: String,
    series: Vec<(Series, Vec<(f64, f64)>)>,
    sizes: Vec<u64>,
}

impl Lines {
    fn sync(outcome: &Outcome, figures: &Figures) -> Option<Self> {
        let sizes = outcome.run.messages.clone();
        let points = |server: &Server| {
            let point = |size: &u64| {
                let cpu = figures.find("sync", "again", *size)?.cpu(&server.server)?;
                Some((float(*size), cpu * float(*size) / 1e3))
            };
            sizes.iter().filter_map(point).collect::<Vec<_>>()
        };
        let series: Vec<_> =
            Series::all(&outcome.servers).into_iter().zip(outcome.servers.iter().map(points)).collect();
        let is_something = sizes.len() > 1 && series.iter().any(|(_, points)| points.len() > 1);
        let title = "CPU for a synchronisation from nothing, in ms, by messages (less is better)".into();
        is_something.then_some(Self { title, series, sizes })
    }

    fn draw(&self) -> Drawn<String> {
        let points = || self.series.iter().flat_map(|(_, points)| points);
        let (x, y) = (decades(points().map(|(x, _)| *x)), decades(points().map(|(_, y)| *y)));
        let ends = |decades: Range<i32>| 10_f64.powi(decades.start)..10_f64.powi(decades.end);
        let mut svg = String::new();
        {
            let plate = plate(&mut svg, 420)?;
            plate.draw(&Text::new(self.title.clone(), (20, 22), aligned(17, HPos::Left)))?;
            let series: Vec<_> = self.series.iter().map(|(series, _)| series.clone()).collect();
            legend(&plate, &series, 46)?;
            let (_, field) = plate.split_vertically(64);
            let mut chart = ChartBuilder::on(&field)
                .margin_right(60)
                .margin_top(10)
                .x_label_area_size(34)
                .y_label_area_size(70)
                .build_cartesian_2d(ends(x).log_scale(), ends(y).log_scale())?;
            chart
                .configure_mesh()
                .light_line_style(WHITE)
                .bold_line_style(RGBColor(215, 215, 215))
                .x_labels(self.sizes.len() + 2)
                .x_label_style(text(12))
                .y_label_style(text(12))
                .x_label_formatter(&|size| shown(*size))
                .y_label_formatter(&|time| shown(*time))
                .draw()?;
            for (series, points) in &self.series {
                let style = series.colour.stroke_width(2);
                chart.draw_series([PathElement::new(points.clone(), style)])?;
                chart
                    .draw_series(points.iter().map(|point| Circle::new(*point, 4, series.colour.filled())))?;
            }
            plate.present()?;
        }
        Ok(svg)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::RESULT;
    use super::*;

    fn charts(result: &str) -> Vec<(&'static str, String)> {
        let outcome = Outcome::read(result).unwrap();
        draw(&outcome, &Figures::of(&outcome)).unwrap()
    }

    /// Whether it is well-formed XML, as far as SVG of ours has it: elements that end, attributes in quotes, no bare `&`.
    fn check_xml(xml: &str) {
        let (mut rest, mut open) = (xml, Vec::new());
        while let Some((text, behind)) = rest.split_once('<') {
            assert!(!text.contains('>'), "{text}");
            let (tag, behind) = behind.split_once('>').unwrap();
            rest = behind;
            if tag.starts_with('?') || tag.starts_with('!') {
                continue;
            }
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name));
                continue;
            }
            let (name, attributes) = tag.trim_end_matches('/').split_once(' ').unwrap_or((tag, ""));
            assert!(attributes.split('"').count() % 2 == 1, "{tag}");
            for part in attributes.split('"').step_by(2) {
                assert!(part.trim().is_empty() || part.ends_with('='), "{tag}");
            }
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
        assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
        for entity in xml.split('&').skip(1) {
            assert!(
                ["amp;", "lt;", "gt;", "quot;", "apos;"].iter().any(|known| entity.starts_with(known)),
                "{entity}"
            );
        }
    }

    #[test]
    fn charts_are_well_formed_and_name_each_server() {
        let charts = charts(RESULT);
        assert_eq!(charts.len(), 3);
        for (name, svg) in charts {
            check_xml(&svg);
            for server in ["Dovecot", "Cyrus", "Gatepost"] {
                assert!(svg.contains(server), "{name}: {server}");
            }
            assert!(svg.contains("fill=\"#FFFFFF\""), "{name}: the plate");
        }
    }

    #[test]
    fn names_from_elsewhere_are_no_markup() {
        for (_, svg) in charts(&RESULT.replace("cyrus", "a<b>&c")) {
            check_xml(&svg);
        }
    }

    #[test]
    fn what_was_not_measured_has_no_chart() {
        let lines = RESULT
            .lines()
            .filter(|line| !line.contains("\"idle\",\"variant\"") && !line.contains("\"messages\":100,"));
        let charts = charts(&lines.collect::<Vec<_>>().join("\n"));
        assert_eq!(charts.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["cpu-per-operation.svg"]);
    }

    #[test]
    fn scales_go_by_whole_powers_of_ten() {
        assert_eq!(decades([0.02, 3.0, 20.0].into_iter()), -2..2);
        assert_eq!(decades([1.0].into_iter()), 0..1);
        let scale = Scale { decades: -1..1, begin: 1.0 };
        assert_eq!((scale.x(0.1), scale.x(1.0), scale.x(10.0)), (LEFT, (LEFT + RIGHT) / 2, RIGHT));
    }
}
