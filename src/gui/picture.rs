//! The picture in the middle at the depth that is wanted, and what can be done to it with the mouse.

use egui::{Align2, Color32, Pos2, Rect, Sense, Stroke, Ui, pos2};

use super::intent::{Bench, Intent};
use super::map::{Camera, Map, Target};
use super::panels::Desk;
use super::stage::{Depth, Selection, Stage};
use super::theme::{self, Theme};
use super::{inside, poster, talk};
use crate::view::Scene;

/// The picture in the middle, at the depth that is wanted.
pub(super) fn show(
    ui: &mut Ui,
    desk: &mut Desk<'_>,
    stage: &mut Stage,
    scene: &Scene,
    presenter: bool,
    bench: Option<Bench>,
) {
    let mut rect = ui.max_rect();
    let painter = ui.painter().clone();
    if let (Some(Bench::Compare(number)), Depth::Internet) = (bench, stage.depth)
        && !presenter
    {
        let (left, right) = rect.split_left_right_at_fraction(0.5);
        other_future(&painter, right, desk, stage, number);
        rect = left;
    }
    let caption = Rect::from_min_max(pos2(rect.left(), rect.bottom() - poster::caption_height(desk.theme)), rect.max);
    let body = Rect::from_min_max(rect.min, pos2(rect.right(), caption.top()));
    match stage.depth {
        Depth::Internet => {
            map(ui, desk, stage, scene, if presenter { rect } else { body }, presenter);
            if presenter {
                return;
            }
        }
        Depth::Host(host) => {
            let inside = inside::Inside::new(&stage.session, &stage.index, scene, host);
            inside::paint(&painter, body, &inside, desk.theme, desk.words);
        }
        Depth::Session(socket) => {
            let talk = talk::Talk::new(&stage.session, &stage.index, desk.words, scene, socket);
            talk::paint(&painter, body, &talk, desk.theme, desk.words);
        }
    }
    let quiet = match (stage.playhead.at.0, stage.is_at_end()) {
        (0, false) => desk.word("start-hint"),
        (0, true) => desk.word("start-lab"),
        // What is told stands on the left; who looks at the map reads it here.
        _ => scene.narration.clone().unwrap_or_else(|| desk.word("caption-rest")),
    };
    poster::caption(&painter, caption, scene, desk.theme, &quiet);
    if let (Some(Bench::Compare(_)), Depth::Internet) = (bench, stage.depth) {
        title(&painter, rect, desk.theme, &stage.branch);
    }
    if let Some(said) = &scene.caption {
        let response = ui.interact(caption, ui.scope_id().with("caption"), Sense::click());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Label, true, &said.text));
        if response.clicked() {
            desk.want(Intent::Select(Selection::Event(said.event)));
        }
    }
}

/// The name of a future over its picture.
fn title(painter: &egui::Painter, rect: Rect, theme: &Theme, name: &str) {
    let galley = painter.layout_no_wrap(name.to_owned(), theme.text(theme::HEAD), theme.selected);
    let place = Align2::LEFT_TOP.anchor_size(rect.min + egui::vec2(14.0, 8.0), galley.size());
    painter.rect_filled(place.expand(4.0), f32::from(theme::RADIUS), theme.card);
    painter.galley(place.min, galley, theme.selected);
}

/// The map of another future at the same time of its clock.
fn other_future(painter: &egui::Painter, rect: Rect, desk: &Desk<'_>, stage: &mut Stage, number: usize) {
    let time = stage.index.director.time_at(stage.playhead.at);
    let camera = stage.camera;
    stage.compare(number, desk.words);
    let (Some(future), Some(compared)) = (stage.futures.get(number), stage.compared()) else { return };
    let index = &compared.index;
    // Up to the parting both are the same, picture by picture; after it they have only the clock in common.
    let parting = future.parting.and_then(|parting| parting.there.or(parting.here));
    let common = parting.is_none_or(|event| stage.playhead.at < index.director.moment_of(event));
    let at = if common { stage.playhead.at } else { index.director.moment_at(time) };
    let scene = crate::view::scene(&future.session, index, desk.words, at);
    let caption = Rect::from_min_max(pos2(rect.left(), rect.bottom() - poster::caption_height(desk.theme)), rect.max);
    let body = Rect::from_min_max(rect.min, pos2(rect.right(), caption.top()));
    let map = Map {
        layout: &stage.index.layout,
        scene: &scene,
        theme: desk.theme,
        words: desk.words,
        host: None,
        event: None,
    };
    let camera = camera.unwrap_or_else(|| Camera::fit(&stage.index.layout, body.shrink(8.0)));
    map.paint(painter, body, camera);
    let quiet = scene.narration.clone().unwrap_or_else(|| desk.word("caption-rest"));
    poster::caption(painter, caption, &scene, desk.theme, &quiet);
    title(painter, rect, desk.theme, &future.name);
    painter.vline(rect.left(), rect.y_range(), Stroke::new(2.0, desk.theme.line));
}

/// The map with its dragging, zooming and clicking.
fn map(ui: &mut Ui, desk: &mut Desk<'_>, stage: &mut Stage, scene: &Scene, rect: Rect, presenter: bool) {
    let response = ui.interact(rect, ui.scope_id().with("map"), Sense::click_and_drag());
    // Cards do not run about while somebody drags the edge of a panel.
    if !ui.input(|input| input.pointer.any_down()) {
        stage.fit(rect.width(), rect.height());
    }
    let mut camera = stage.camera.unwrap_or_else(|| Camera::fit(&stage.index.layout, rect.shrink(8.0)));
    if let Some(pointer) = response.hover_pos() {
        let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        let factor = pinch * (scroll / 300.0).exp();
        if (factor - 1.0).abs() > 0.001 {
            camera.zoom_at(factor, pointer, rect);
            stage.camera = Some(camera);
        }
    }
    let host = match stage.selection {
        Some(Selection::Host(host)) => Some(host),
        _ => None,
    };
    let event = stage.selected_event();
    let map = Map { layout: &stage.index.layout, scene, theme: desk.theme, words: desk.words, host, event };
    let painter = ui.painter().clone();
    let targets = if presenter {
        let title = &stage.session.scenario().title;
        poster::paint(&painter, rect, &map, desk.words.lang().pick(&title.en, &title.de), stage.camera)
    } else {
        map.paint(&painter, rect, camera)
    };
    let mut dragged = false;
    for (number, (area, target, name)) in targets.iter().enumerate() {
        let area = area.intersect(rect);
        if !area.is_positive() {
            continue;
        }
        let id = match target {
            Target::Host(host) => ui.scope_id().with(("card", host.0)),
            _ => ui.scope_id().with(("target", number)),
        };
        let sense = if matches!(target, Target::Host(_)) { Sense::click_and_drag() } else { Sense::click() };
        let response = ui.interact(area, id, sense);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, name));
        if response.has_focus() {
            ui.painter().rect_stroke(
                area.expand(2.0),
                6.0,
                Stroke::new(2.0, desk.theme.selected),
                egui::StrokeKind::Outside,
            );
        }
        match target {
            Target::Host(host) => {
                if response.dragged() && response.drag_delta() != egui::Vec2::ZERO {
                    dragged = true;
                    let delta = response.drag_delta() / camera.zoom;
                    if let Some(place) = stage.index.layout.place(*host) {
                        let centre = place.area.centre();
                        let point = crate::view::geometry::Point::new(centre.x + delta.x, centre.y + delta.y);
                        // What is dragged must not change the scale under the hand.
                        stage.camera = Some(camera);
                        desk.want(Intent::Move(*host, point));
                    }
                }
                if response.double_clicked() {
                    desk.want(Intent::Dive(Depth::Host(*host)));
                } else if response.clicked() {
                    desk.want(Intent::Select(Selection::Host(*host)));
                }
            }
            Target::Session(socket, event) => {
                if response.double_clicked() {
                    desk.want(Intent::Dive(Depth::Session(*socket)));
                } else if response.clicked() {
                    desk.want(Intent::Select(Selection::Session(*socket, *event)));
                }
            }
            Target::Event(event) => {
                if response.clicked() {
                    desk.want(Intent::Select(Selection::Event(*event)));
                }
            }
        }
    }
    if response.dragged() && !dragged {
        let delta = response.drag_delta() / camera.zoom;
        camera.centre.x -= delta.x;
        camera.centre.y -= delta.y;
        stage.camera = Some(camera);
    }
}

/// A red point that follows the pointer.
pub(super) fn laser(ui: &Ui, theme: &Theme) {
    let Some(at) = ui.input(|input| input.pointer.hover_pos()) else { return };
    let ring = |radius: f32, alpha: u8| {
        let colour = Color32::from_rgba_unmultiplied(theme.bad.r(), theme.bad.g(), theme.bad.b(), alpha);
        ui.painter().circle_filled(Pos2::new(at.x, at.y), radius, colour);
    };
    ring(18.0, 60);
    ring(7.0, 230);
}
