//! A registry that gives every request the same answer, over plain HTTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

/// Its answer: a status, a content type, and a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub status: &'static str,
    pub content_type: &'static str,
    pub body: &'static str,
}

/// Starts one, which lasts as long as the test, and gives its host and port.
pub(super) fn registry(answer: Answer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("localhost:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || drop(serve(&connection, answer)));
        }
    });
    host
}

/// Answers the requests of one connection: that there is a registry, that there is no such blob, or what it is for.
fn serve(connection: &TcpStream, answer: Answer) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    loop {
        let (mut request, mut length) = (String::new(), 0);
        if reader.read_line(&mut request)? == 0 {
            return Ok(());
        }
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if header.trim().is_empty() {
                break;
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        let (method, path) = (request.split(' ').next().unwrap(), request.split(' ').nth(1).unwrap());
        let not_found = Answer { status: "404 Not Found", content_type: "application/json", body: "{}" };
        let there = Answer { status: "200 OK", ..not_found };
        let Answer { status, content_type, body } = match (method, path) {
            (_, "/v2/") => there,
            ("GET" | "POST", _) => answer,
            _ => not_found,
        };
        let challenge = if status.starts_with("401") { "WWW-Authenticate: Basic realm=\"r\"\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n{challenge}\r\n",
            body.len()
        );
        let mut writer = connection;
        writer.write_all(head.as_bytes())?;
        if method != "HEAD" {
            writer.write_all(body.as_bytes())?;
        }
    }
}
