//! A server that has files, and can be told to refuse one of them.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Content {
    files: HashMap<String, Vec<u8>>,
    refused: String,
}

pub struct Server {
    pub url: String,
    content: Arc<Mutex<Content>>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let content = Arc::new(Mutex::new(Content::default()));
        let served = Arc::clone(&content);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let served = Arc::clone(&served);
                std::thread::spawn(move || {
                    // Whoever breaks off has lost only their own answer.
                    let _ = answer(&stream, &served);
                });
            }
        });
        Self { url, content }
    }

    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        self.content.lock().unwrap().files.insert(name.to_owned(), bytes);
    }

    /// From now on this file is answered with 503, and no other.
    pub fn refuse(&self, name: &str) {
        name.clone_into(&mut self.content.lock().unwrap().refused);
    }
}

fn answer(stream: &TcpStream, content: &Mutex<Content>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let name = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
    let found = {
        let content = content.lock().unwrap();
        if content.refused == name {
            Err("503 Service Unavailable")
        } else {
            Ok(content.files.get(&name).cloned())
        }
    };
    let (status, body) = match found {
        Err(status) => (status, Vec::new()),
        Ok(None) => ("404 Not Found", Vec::new()),
        Ok(Some(body)) => ("200 OK", body),
    };
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let mut stream = stream;
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}
