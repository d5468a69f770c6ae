//! The window on a real screen.

use super::theme;
use super::window::Window;

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoWindow(String);

struct App(Window);

impl eframe::App for App {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.0.show(ui);
    }
}

/// Opens the window and stays until it is closed.
///
/// # Errors
/// There is no display, or it cannot draw.
pub fn run(window: Window) -> Result<(), NoWindow> {
    let viewport = egui::ViewportBuilder::default()
        .with_title("mxlab")
        .with_app_id("mxlab")
        .with_inner_size([1280.0, 720.0])
        .with_min_inner_size([320.0, 240.0]);
    let options = eframe::NativeOptions { viewport, ..eframe::NativeOptions::default() };
    let create: eframe::AppCreator<'_> = Box::new(|context| {
        context.egui_ctx.set_fonts(theme::fonts());
        Ok(Box::new(App(window)))
    });
    eframe::run_native("mxlab", options, create).map_err(|error| NoWindow(error.to_string()))
}
