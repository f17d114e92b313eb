//! What visitors are shown: a page around a title and a message, or a body of the operator's own.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Page {
    title: String,
    message: String,
    /// In place of title and message, as it is.
    body: Option<String>,
    content_type: String,
}

impl Default for Page {
    fn default() -> Page {
        Page {
            title: "Back soon".to_string(),
            message: "We are working on this site. Please try again in a little while.".to_string(),
            body: None,
            content_type: "text/html; charset=utf-8".to_string(),
        }
    }
}

impl Page {
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    pub fn body(&self) -> String {
        if let Some(body) = &self.body {
            return body.clone();
        }
        let (title, message) = (escape(&self.title), escape(&self.message));
        [
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>",
            &title,
            "</title><style>body{font:1.1em/1.6 system-ui,sans-serif;max-width:32em;margin:20vh auto;padding:0 1em}</style><h1>",
            &title,
            "</h1><p>",
            &message,
            "</p></html>\n",
        ]
        .concat()
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
