//! The admin server under a flood: its memory stays bounded, and it keeps answering.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use machine_os_builder::daemon::admin::{Admin, CONNECTIONS_MAX};
use machine_os_builder::daemon::metrics::Metrics;

use crate::harness::processes::{ask, until};

/// An admin server on a thread of its own.
fn server() -> SocketAddr {
    let (sender, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = Admin::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            Admin::new(Metrics::new(jiff::Timestamp::now())).serve(listener).await;
        });
    });
    address.recv().unwrap()
}

/// A connection on which so much of a request was sent.
fn begun(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    // It may be closed already.
    let _ = stream.write_all(text.as_bytes());
    stream.set_nonblocking(true).unwrap();
    stream
}

/// Whether the other end still holds a connection.
fn is_held(stream: &mut TcpStream) -> bool {
    let mut bytes = [0; 1024];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
}

#[test]
fn half_requests_take_no_more_than_their_share_and_keep_no_other_out() {
    let address = server();
    let mut flood = Vec::new();
    for number in 0..2_000 {
        flood.push(begun(address, "GET /livez HTTP/1.1\r\nhost: "));
        if number % 100 == 0 {
            assert_eq!(ask(&address.to_string(), "GET", "/livez"), (200, "ok\n".to_owned()));
            flood.retain_mut(is_held);
        }
    }
    until("the oldest have made room", || {
        flood.retain_mut(is_held);
        (flood.len() <= CONNECTIONS_MAX).then_some(())
    });
    assert_eq!(ask(&address.to_string(), "GET", "/livez").0, 200);
    // Nor for longer than a head may take.
    until("those that are left have had their time", || {
        flood.retain_mut(is_held);
        flood.is_empty().then_some(())
    });
}

#[test]
fn a_request_is_no_longer_than_it_has_to_be() {
    let address = server();
    let long = format!("GET /livez HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(64 << 10));
    let many = format!("GET /livez HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: y\r\n".repeat(200));
    for head in [long, many] {
        let mut stream = TcpStream::connect(address).unwrap();
        let _ = stream.write_all(head.as_bytes());
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    assert_eq!(ask(&address.to_string(), "GET", "/livez").0, 200);
}

#[test]
fn a_connection_that_asks_for_nothing_more_is_closed() {
    let address = server();
    let mut stream = begun(address, "GET /livez HTTP/1.1\r\nhost: a\r\n\r\n");
    until("it has had its time", || (!is_held(&mut stream)).then_some(()));
}
