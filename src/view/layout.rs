//! Where hosts stand on the map: domains as regions, hosts as cards in them.
//!
//! Few regions stand around an empty middle, so that what travels between them crosses no card, or in columns where
//! that makes everything clearly larger; many stand in rows above and below an empty band, in which words are read.
//! The same scenario gives the same picture everywhere, and nothing overlaps.

use std::net::IpAddr;

use serde::Serialize;

use super::arrange::{self, Block};
use super::geometry::{Area, Point};
use crate::scenario::Scenario;
use crate::scenario::written::{Preset, Service};
use crate::sim::HostId;

/// Width of a host's card.
pub const CARD_WIDTH: f32 = 248.0;
/// Height of a host's card.
pub const CARD_HEIGHT: f32 = 116.0;
/// Space between cards of a region that stand side by side.
const BESIDE: f32 = 72.0;
/// Space between cards of a region one above the other, where a line of a dialogue is read.
const ABOVE: f32 = 64.0;
/// Space between a region's edge and its cards.
const PADDING: f32 = 14.0;
/// Space for a region's name, above its cards.
pub const TITLE: f32 = 36.0;
/// How much larger everything must become for an arrangement that leaves less room for what hosts say to each other:
/// the cards of a region side by side, or regions in columns.
const WORTH: f32 = 1.2;
/// Most regions that stand around the middle.
const MOST_AROUND: usize = 8;
/// Width of a picture as a multiple of its height, if nothing else is known about it.
const WIDE: f32 = 1.9;
/// The same at its least and at its most: what is narrower or flatter than that, nothing can be arranged for.
const ASPECTS: (f32, f32) = (0.8, 2.6);
/// How much larger everything must become for cards to take other places.
const WORTH_MOVING: f32 = 1.06;

/// What a host is for, in the course's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Where people write and read.
    Mua,
    /// Takes mail of authenticated users.
    Msa,
    /// Passes mail on, and delivers it.
    Mta,
    /// Keeps mail and hands it out over POP3 or IMAP.
    Mda,
    /// Answers questions about names.
    Dns,
    /// Nobody's friend.
    Outsider,
}

impl Role {
    /// The word for it in the field; only `outside` is none, and is translated on cards.
    pub fn word(self) -> &'static str {
        match self {
            Role::Mua => "MUA",
            Role::Msa => "MSA",
            Role::Mta => "MTA",
            Role::Mda => "MDA",
            Role::Dns => "DNS",
            Role::Outsider => "outside",
        }
    }

    /// The role of a host, from what it is set up for.
    pub fn of(scenario: &Scenario, host: usize) -> Role {
        let Some(host) = scenario.hosts.get(host) else { return Role::Outsider };
        let has = |wanted: fn(&Service) -> bool| host.services.iter().any(wanted);
        match host.preset {
            Preset::DnsServer => Role::Dns,
            Preset::SubmissionServer => Role::Msa,
            Preset::Workstation if has(|service| matches!(service, Service::Postfix)) => Role::Mta,
            Preset::Workstation
                if has(|service| matches!(service, Service::Dovecot | Service::Lmtp | Service::LmtpNetwork)) =>
            {
                Role::Mda
            }
            Preset::Workstation if has(|service| matches!(service, Service::Named | Service::Resolver)) => Role::Dns,
            Preset::Workstation if host.fqdn.split('.').any(|label| OUTSIDERS.contains(&label)) => Role::Outsider,
            Preset::Workstation => Role::Mua,
            _ => Role::Mta,
        }
    }
}

/// Names of domains that stand for nobody's friends in examples.
const OUTSIDERS: [&str; 3] = ["attacker", "spammer", "outsider"];

/// A host before it has its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name in the scenario.
    pub name: String,
    /// The domain that it belongs to.
    pub domain: String,
    /// Its first address.
    pub addr: Option<IpAddr>,
    /// What it is for.
    pub role: Role,
    /// A place for the middle of its card that the scenario or a person wants.
    pub fixed: Option<Point>,
}

/// A host with its place.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// The host.
    pub host: HostId,
    /// Its name in the scenario.
    pub name: String,
    /// Its first address.
    pub addr: Option<IpAddr>,
    /// What it is for.
    pub role: Role,
    /// Its card.
    pub area: Area,
    /// Its region.
    pub region: u32,
}

/// A domain with its place.
#[derive(Clone, Debug, Serialize)]
pub struct Region {
    /// The domain.
    pub name: String,
    /// Its rectangle, around the cards of its hosts.
    pub area: Area,
}

/// The map without what moves.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Layout {
    /// The hosts, by their number in the world.
    pub places: Vec<Place>,
    /// The domains, in order of their first hosts.
    pub regions: Vec<Region>,
    /// The rectangle around everything.
    pub bounds: Area,
    /// Whether somebody has moved a card.
    #[serde(skip)]
    is_moved: bool,
}

impl Layout {
    /// The layout of a scenario's hosts in a picture of the usual shape.
    pub fn of(scenario: &Scenario) -> Layout {
        Layout::shaped(scenario, WIDE)
    }

    /// A layout that makes everything clearly larger than this one in a picture of that size, if there is one;
    /// who has moved cards keeps them where they are.
    pub fn fitted(&self, scenario: &Scenario, width: f32, height: f32) -> Option<Layout> {
        if self.is_moved || width <= 0.0 || height <= 0.0 {
            return None;
        }
        let zoom = |bounds: &Area| (width / bounds.width().max(1.0)).min(height / bounds.height().max(1.0));
        let other = Layout::shaped(scenario, width / height);
        (zoom(&other.bounds) > zoom(&self.bounds) * WORTH_MOVING).then_some(other)
    }

    /// The layout of a scenario's hosts for a picture whose width is so many times its height.
    fn shaped(scenario: &Scenario, aspect: f32) -> Layout {
        let nodes = scenario.hosts.iter().enumerate().map(|(index, host)| Node {
            name: host.name.clone(),
            domain: domain_in(scenario, index),
            addr: host.addrs.first().copied(),
            role: Role::of(scenario, index),
            fixed: host.place.map(|(x, y)| Point::new(x, y)),
        });
        Layout::arrange_for(&nodes.collect::<Vec<_>>(), aspect)
    }

    /// Gives every host its place in a picture of the usual shape.
    pub fn arrange(nodes: &[Node]) -> Layout {
        Layout::arrange_for(nodes, WIDE)
    }

    fn arrange_for(nodes: &[Node], aspect: f32) -> Layout {
        let aspect = aspect.clamp(ASPECTS.0, ASPECTS.1);
        let groups = group(nodes);
        let (shapes, blocks, centres) = best_shapes(&groups, aspect);
        let mut layout = Layout::default();
        let mut cards: Vec<Option<(Area, u32)>> = vec![None; nodes.len()];
        for (number, ((group, block), centre)) in groups.iter().zip(&blocks).zip(&centres).enumerate() {
            let area = Area::around(*centre, block.width, block.height);
            layout.regions.push(Region { name: group.domain.clone(), area });
            for (place, host) in group.hosts.iter().enumerate() {
                cards[*host] = Some((card_in(area, shapes[number].columns(group.hosts.len()), place), number as u32));
            }
        }
        for (index, (node, card)) in nodes.iter().zip(cards).enumerate() {
            let (area, region) = card.unwrap_or_default();
            layout.places.push(Place {
                host: HostId(index as u32),
                name: node.name.clone(),
                addr: node.addr,
                role: node.role,
                area,
                region,
            });
        }
        for (index, node) in nodes.iter().enumerate() {
            if let Some(point) = node.fixed {
                layout.shift(HostId(index as u32), point);
            }
        }
        layout.measure();
        layout
    }

    /// The place of a host.
    pub fn place(&self, host: HostId) -> Option<&Place> {
        self.places.get(host.0 as usize)
    }

    /// Moves the middle of a host's card as near to a point as no other card is in the way; its region
    /// grows or shrinks with it.
    pub fn move_to(&mut self, host: HostId, point: Point) {
        self.is_moved = true;
        self.shift(host, point);
    }

    fn shift(&mut self, host: HostId, point: Point) {
        let index = host.0 as usize;
        let Some(place) = self.places.get(index) else { return };
        let old = place.area;
        let free = |area: &Area| {
            let wide = area.grown(BESIDE / 4.0);
            self.places.iter().enumerate().all(|(other, place)| other == index || !place.area.overlaps(&wide))
        };
        let wanted = Area::around(point, old.width(), old.height());
        // Back along the way that it came, until there is room.
        let area = (0..=16_u8).map(|step| {
            let back = f32::from(step) / 16.0;
            let centre = wanted.centre().towards(old.centre(), back);
            Area::around(centre, old.width(), old.height())
        });
        let Some(area) = area.into_iter().find(free) else { return };
        self.places[index].area = area;
        self.measure();
    }

    /// Fits regions around their cards, and the bounds around the regions.
    fn measure(&mut self) {
        for (number, region) in self.regions.iter_mut().enumerate() {
            let cards = self.places.iter().filter(|place| place.region as usize == number).map(|place| place.area);
            if let Some(all) = cards.reduce(|one, other| one.union(&other)) {
                region.area = all.grown(PADDING);
                region.area.min.y -= TITLE - PADDING;
            }
        }
        let all = self.regions.iter().map(|region| region.area).reduce(|one, other| one.union(&other));
        self.bounds = all.unwrap_or_default();
    }
}

/// The domain of a host; one without a full name belongs to its neighbours on the network.
fn domain_in(scenario: &Scenario, index: usize) -> String {
    let host = &scenario.hosts[index];
    let network = |addr: Option<&IpAddr>| match addr {
        Some(IpAddr::V4(addr)) => Some(u32::from(*addr) >> 8),
        _ => None,
    };
    if !host.fqdn.contains('.')
        && let Some(own) = network(host.addrs.first())
    {
        let mut named = scenario.hosts.iter().filter(|other| other.fqdn.contains('.'));
        if let Some(near) = named.find(|other| network(other.addrs.first()) == Some(own)) {
            return domain_of(&near.fqdn).to_owned();
        }
    }
    domain_of(&host.fqdn).to_owned()
}

/// Everything after a name's first label; a name of one label is its own domain.
pub fn domain_of(fqdn: &str) -> &str {
    match fqdn.split_once('.') {
        Some((_, domain)) if domain.contains('.') => domain,
        // `attacker.test` is a domain, not a host of `test`.
        _ => fqdn,
    }
}

/// The hosts of one domain.
struct Group {
    domain: String,
    hosts: Vec<usize>,
    /// Whether it only answers questions about names.
    names_only: bool,
    /// Whether it has a name server.
    names: bool,
}

fn group(nodes: &[Node]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut by_domain = std::collections::BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        let number = *by_domain.entry(node.domain.as_str()).or_insert_with(|| {
            groups.push(Group { domain: node.domain.clone(), hosts: Vec::new(), names_only: true, names: false });
            groups.len() - 1
        });
        groups[number].hosts.push(index);
        groups[number].names_only &= node.role == Role::Dns;
        groups[number].names |= node.role == Role::Dns;
    }
    groups
}

/// How the cards of regions stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// One above the other.
    Tall,
    /// Side by side.
    Wide,
}

impl Shape {
    /// Columns of a region with so many cards.
    fn columns(self, count: usize) -> usize {
        match (self, count) {
            (Shape::Tall, 0..=3) => 1,
            (Shape::Wide, 0..=2) => count.max(1),
            (Shape::Wide, 3) => 2,
            _ => (1..).find(|columns| columns * columns * 2 >= count).unwrap_or(1),
        }
    }
}

/// Regions in the shapes that make everything largest, and their middles: around an empty middle, unless columns make
/// everything clearly larger; many in rows.
fn best_shapes(groups: &[Group], aspect: f32) -> (Vec<Shape>, Vec<Block>, Vec<Point>) {
    let rows = |blocks: &[Block]| Some(arrange::rows(blocks, aspect));
    let around = |blocks: &[Block]| Some(arrange::around(blocks, aspect));
    let columns = |blocks: &[Block]| arrange::columns(blocks, aspect);
    let first: &Arrangement<'_> = if groups.len() <= MOST_AROUND { &around } else { &rows };
    let best = shaped_by(groups, aspect, first, true).unwrap_or_default();
    // Lines leave a column sideways: there must be no other card beside one.
    let other = shaped_by(groups, aspect, &columns, false).filter(|other| other.cost * WORTH < best.cost);
    let Shaped { shapes, blocks, centres, .. } = other.unwrap_or(best);
    (shapes, blocks, centres)
}

/// A way to give regions their middles.
type Arrangement<'a> = dyn Fn(&[Block]) -> Option<Vec<Point>> + 'a;

/// Regions with their shapes and places.
#[derive(Default)]
struct Shaped {
    cost: f32,
    shapes: Vec<Shape>,
    blocks: Vec<Block>,
    centres: Vec<Point>,
}

/// Regions in the shapes with which an arrangement makes everything largest, if their cards may stand side by side.
fn shaped_by(groups: &[Group], aspect: f32, arrangement: &Arrangement<'_>, beside: bool) -> Option<Shaped> {
    let few = groups.len() <= MOST_AROUND;
    let shaped = |shapes: &[Shape]| {
        let block = |(group, shape): (&Group, &Shape)| {
            let (width, height) = region_size(*shape, group.hosts.len());
            Block { width, height, names_only: group.names_only, names: group.names }
        };
        let blocks: Vec<Block> = groups.iter().zip(shapes).map(block).collect();
        let centres = arrangement(&blocks)?;
        // In rows lines go behind regions anyway.
        let cost =
            if few { arrange::cost(&blocks, &centres, aspect) } else { arrange::size(&blocks, &centres, aspect) };
        Some(Shaped { cost, shapes: shapes.to_vec(), blocks, centres })
    };
    let mut best = shaped(&vec![Shape::Tall; groups.len()])?;
    if !beside {
        return Some(best);
    }
    if !few {
        let wide = shaped(&vec![Shape::Wide; groups.len()])?;
        return Some(if wide.cost < best.cost { wide } else { best });
    }
    for number in (0..groups.len()).filter(|number| groups[*number].hosts.len() > 1) {
        let mut shapes = best.shapes.clone();
        shapes[number] = Shape::Wide;
        let wide = shaped(&shapes)?;
        if wide.cost * WORTH < best.cost {
            best = wide;
        }
    }
    Some(best)
}

fn region_size(shape: Shape, count: usize) -> (f32, f32) {
    let columns = shape.columns(count);
    let rows = count.div_ceil(columns);
    let across = columns as f32 * (CARD_WIDTH + BESIDE) - BESIDE + 2.0 * PADDING;
    let down = rows as f32 * (CARD_HEIGHT + ABOVE) - ABOVE + PADDING + TITLE;
    (across, down)
}

fn card_in(region: Area, columns: usize, place: usize) -> Area {
    let x = region.min.x + PADDING + (place % columns) as f32 * (CARD_WIDTH + BESIDE);
    let y = region.min.y + TITLE + (place / columns) as f32 * (CARD_HEIGHT + ABOVE);
    Area { min: Point::new(x, y), max: Point::new(x + CARD_WIDTH, y + CARD_HEIGHT) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::Sources;

    fn nodes(domains: &[usize]) -> Vec<Node> {
        let node = |(index, domain): (usize, &usize)| Node {
            name: format!("h{index}"),
            domain: format!("d{domain}.example"),
            addr: None,
            role: if domain % 7 == 3 { Role::Dns } else { Role::Mta },
            fixed: None,
        };
        domains.iter().enumerate().map(node).collect()
    }

    fn assert_apart(layout: &Layout) {
        for (index, place) in layout.places.iter().enumerate() {
            for other in &layout.places[..index] {
                assert!(!place.area.overlaps(&other.area), "{} and {}", place.name, other.name);
            }
            let region = &layout.regions[place.region as usize].area;
            assert_eq!(region.union(&place.area), *region, "{} leaves its region", place.name);
        }
        for (index, region) in layout.regions.iter().enumerate() {
            for other in &layout.regions[..index] {
                assert!(!region.area.overlaps(&other.area), "{} and {}", region.name, other.name);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_two_cards_or_regions_overlap(domains in prop::collection::vec(0_usize..60, 2..500)) {
            assert_apart(&Layout::arrange(&nodes(&domains)));
        }

        #[test]
        fn dragging_never_puts_one_card_onto_another(
            domains in prop::collection::vec(0_usize..6, 2..24),
            moves in prop::collection::vec((0_u32..24, -800.0_f32..800.0, -400.0_f32..400.0), 0..20),
        ) {
            let mut layout = Layout::arrange(&nodes(&domains));
            for (host, x, y) in moves {
                layout.move_to(HostId(host), Point::new(x, y));
            }
            for (index, place) in layout.places.iter().enumerate() {
                for other in &layout.places[..index] {
                    prop_assert!(!place.area.overlaps(&other.area));
                }
            }
        }
    }

    #[test]
    fn hosts_belong_to_the_domain_above_their_name() {
        assert_eq!(domain_of("mx1.example.org"), "example.org");
        assert_eq!(domain_of("ws1.berlin.example.org"), "berlin.example.org");
        assert_eq!(domain_of("attacker.test"), "attacker.test");
        assert_eq!(domain_of("localhost"), "localhost");
    }

    #[test]
    fn a_map_takes_the_shape_of_its_picture_unless_somebody_has_moved_cards() {
        let text = |number: usize| {
            let domain = ["example.com", "example.com", "example.org", "example.org", "example.org"][number];
            format!("(name: \"h{number}\", addresses: [\"192.0.2.1{number}\"], fqdn: \"h{number}.{domain}\"),")
        };
        let dns = "(name: \"dns\", addresses: [\"203.0.113.53\"], preset: DnsServer),".to_owned();
        let hosts: String = std::iter::once(dns).chain((0..5).map(text)).collect();
        let text = format!("(title: (en: \"a\", de: \"b\"), summary: (en: \"\", de: \"\"), hosts: [{hosts}])");
        let sources = Sources { name: "x".into(), file: "x.ron".into(), text, ..Sources::default() };
        let scenario = Scenario::load(&sources).unwrap();
        let wide = Layout::of(&scenario);
        assert!(wide.fitted(&scenario, 1900.0, 1000.0).is_none(), "it has this shape already");
        let mut narrow = wide.fitted(&scenario, 700.0, 700.0).expect("cards one above the other");
        assert!(narrow.bounds.width() < wide.bounds.width());
        assert_apart(&narrow);
        narrow.move_to(HostId(0), Point::new(0.0, 0.0));
        assert!(narrow.fitted(&scenario, 1900.0, 600.0).is_none(), "what was moved stays");
    }

    #[test]
    fn a_fixed_place_is_kept() {
        let mut nodes = nodes(&[0, 1]);
        nodes[1].fixed = Some(Point::new(900.0, 40.0));
        assert_eq!(Layout::arrange(&nodes).places[1].area.centre(), Point::new(900.0, 40.0));
    }
}
