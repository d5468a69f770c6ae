//! Records and their fields.

use super::value::Value;
use super::{Done, Flow, Machine};

impl Machine {
    pub(super) fn text_of(&self, name: &str) -> String {
        self.vars.get(name).map_or(String::new(), |value| value.text())
    }

    pub(super) fn set_record(&mut self, record: String) {
        self.record = record;
        self.split_done = false;
    }

    pub(super) fn record(&mut self) -> String {
        self.record.clone()
    }

    pub(super) fn split_record(&mut self) -> Done<()> {
        if !self.split_done {
            let separator = self.text_of("FS");
            self.fields = self.split(&self.record.clone(), &separator)?;
            self.split_done = true;
        }
        Ok(())
    }

    pub(super) fn split(&mut self, text: &str, separator: &str) -> Done<Vec<String>> {
        if separator == " " {
            return Ok(text.split_whitespace().map(str::to_owned).collect());
        }
        if text.is_empty() {
            return Ok(Vec::new());
        }
        if separator.is_empty() {
            return Ok(text.chars().map(String::from).collect());
        }
        if separator.chars().count() == 1 && separator != "\\" {
            return Ok(text.split(separator).map(str::to_owned).collect());
        }
        let regex = self.regex(separator)?;
        Ok(regex.split(text.as_bytes()).map(|part| String::from_utf8_lossy(part).into_owned()).collect())
    }

    pub(super) fn field(&mut self, number: f64) -> Done<Value> {
        if number < 0.0 {
            return Err(Flow::Error(format!("negative field index ${number}")));
        }
        let number = number as usize;
        if number == 0 {
            return Ok(Value::Input(self.record()));
        }
        self.split_record()?;
        Ok(self.fields.get(number - 1).map_or(Value::Unset, |text| Value::Input(text.clone())))
    }

    pub(super) fn set_field(&mut self, number: f64, value: &Value) -> Done<()> {
        let number = number.max(0.0) as usize;
        if number > 10_000 {
            return Err(Flow::Error("field index too large".into()));
        }
        if number == 0 {
            self.set_record(value.text());
            return Ok(());
        }
        self.split_record()?;
        if self.fields.len() < number {
            self.fields.resize(number, String::new());
        }
        self.fields[number - 1] = value.text();
        self.join();
        Ok(())
    }

    pub(super) fn join(&mut self) {
        self.record = self.fields.join(&self.text_of("OFS"));
    }
}
