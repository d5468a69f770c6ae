//! The window on a real screen.

use super::theme;
use super::window::Window;

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoWindow(String);

/// Gets what the window shows, in words, whenever it has changed.
pub type Twin = Box<dyn FnMut(&str)>;

struct App {
    window: Window,
    twin: Option<Twin>,
    /// What the twin got last.
    told: String,
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.window.enlarge(ui.ctx());
        self.window.show(ui);
        if self.window.is_over() {
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
        }
        if let Some(twin) = &mut self.twin {
            let text = self.window.twin();
            if text != self.told {
                twin(&text);
                self.told = text;
            }
        }
    }
}

/// Opens the window in the size that is remembered, if any, and stays until it is closed.
///
/// # Errors
/// There is no display, or it cannot draw.
pub fn run(window: Window, size: Option<[f32; 2]>, twin: Option<Twin>) -> Result<(), NoWindow> {
    // A size that was remembered from a broken display would hide the window.
    let size = size.filter(|[width, height]| *width >= 320.0 && *height >= 240.0).unwrap_or([1280.0, 720.0]);
    let viewport = egui::ViewportBuilder::default()
        .with_title("mxlab")
        .with_app_id("mxlab")
        .with_inner_size(size)
        .with_min_inner_size([320.0, 240.0]);
    let options = eframe::NativeOptions { viewport, ..eframe::NativeOptions::default() };
    let create: eframe::AppCreator<'_> = Box::new(|context| {
        context.egui_ctx.set_fonts(theme::fonts());
        Ok(Box::new(App { window, twin, told: String::new() }))
    });
    eframe::run_native("mxlab", options, create).map_err(|error| NoWindow(error.to_string()))
}
