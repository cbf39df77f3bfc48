//! What a browser can be made to send from elsewhere: every name a request is addressed to, with every
//! origin of the page that sends it and every relation of the two, where nobody is asked who they are.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::Server;

/// The status of a request with exactly these headers.
async fn status(server: &Server, request: &str, headers: &[(&str, &str)]) -> u16 {
    let mut connection = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
    let body =
        "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.md\"\r\n\r\nEels.\r\n--x--\r\n";
    let length = body.len();
    let mut head = format!("{request} HTTP/1.1\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if request.starts_with("POST") {
        // What a form may send to another site without asking first.
        head.push_str(&format!(
            "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {length}\r\n"
        ));
        head.push_str(&format!("\r\n{body}"));
    } else {
        head.push_str("\r\n");
    }
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(!answer.to_ascii_lowercase().contains("access-control-allow"), "{answer}");
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Tries every host with every origin and relation; those that pass must be the server's own.
async fn try_all(server: &Server, named: &[&str]) -> usize {
    let port = server.url.rsplit_once(':').unwrap().1;
    let ours =
        ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "127.0.0.2"].map(|host| format!("{host}:{port}"));
    let ours: Vec<String> = ours.into_iter().chain(named.iter().map(|name| (*name).to_owned())).collect();
    let foreign = [
        "",
        ":",
        ":PORT",
        "evil.example",
        "evil.example:PORT",
        "127.0.0.1.evil.example:PORT",
        "localhost.:PORT",
        "localhost.evil.example:PORT",
        "evil.localhost:PORT",
        "0.0.0.0:PORT",
        "192.168.0.1:PORT",
        "null",
        "user@127.0.0.1:PORT",
        "127.1:PORT",
        "2130706433:PORT",
        "0x7f000001:PORT",
        "[::]:PORT",
        "ibid.example.evil.example",
        "127.0.0.1:PORT:PORT",
    ]
    .map(|host| host.replace("PORT", port));
    let mut num_tried = 0;
    for (host, is_ours) in
        ours.iter().map(|host| (host, true)).chain(foreign.iter().map(|host| (host, false)))
    {
        let own = [format!("http://{host}"), format!("https://{host}")];
        let others = [
            "",
            "null",
            "http://evil.example",
            "https://evil.example",
            "http://localhost:3000",
            "http://127.0.0.1",
            "file://",
            "chrome-extension://abcdefgh",
            "http://",
            "HOST",
        ];
        let near = [format!("{}.evil.example", own[0]), format!("{}/", own[0]), format!("ws://{host}")];
        let origins = own.iter().map(|origin| (Some(origin.as_str()), true));
        let origins = origins.chain(others.iter().map(|origin| (Some(*origin), false)));
        let origins = origins.chain(near.iter().map(|origin| (Some(origin.as_str()), false)));
        // A name that is not ours is enough to be refused.
        let origins = origins
            .chain([(None, true)])
            .filter(|(origin, is_own)| is_ours || *is_own || *origin == Some("https://evil.example"));
        for (origin, is_own) in origins {
            for site in
                [None, Some("none"), Some("same-origin"), Some("same-site"), Some("cross-site"), Some("")]
            {
                let mut headers = vec![("Host", host.as_str())];
                headers.extend(origin.map(|origin| ("Origin", origin)));
                headers.extend(site.map(|site| ("Sec-Fetch-Site", site)));
                let is_near = matches!(site, None | Some("none" | "same-origin"));
                let may = is_ours && is_own && is_near;
                for request in ["GET /api/me", "POST /api/documents"] {
                    let status = status(server, request, &headers).await;
                    assert_eq!((200..300).contains(&status), may, "{request} {headers:?}: {status}");
                    num_tried += 1;
                }
            }
        }
    }
    num_tried
}

#[tokio::test]
async fn only_a_page_of_this_server_under_a_name_of_its_own_gets_in() {
    let plain = Server::start().await;
    let num_tried = try_all(&plain, &[]).await;
    assert!(num_tried >= 60, "{num_tried}");
    let here = plain.url.trim_start_matches("http://");
    let doubled = [("Host", here), ("Host", "evil.example")];
    assert!(status(&plain, "GET /api/me", &doubled).await >= 400);
    assert!(status(&plain, "GET /api/me", &[]).await >= 400);
}

#[tokio::test]
async fn a_name_that_is_configured_lets_no_other_page_in() {
    let named = Server::with_config("[access]\nhosts = [\"ibid.example\"]\n").await;
    try_all(&named, &["ibid.example", "ibid.example:8443", "IBID.example"]).await;
}

#[tokio::test]
async fn a_link_elsewhere_opens_a_page_here_and_nothing_more() {
    let server = Server::start().await;
    let here = server.url.trim_start_matches("http://");
    let followed = |mode, dest| {
        vec![
            ("Host", here),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Mode", mode),
            ("Sec-Fetch-Dest", dest),
        ]
    };
    let link = followed("navigate", "document");
    let document = "GET /d/018f0000-0000-7000-8000-000000000000?start=0&end=5";
    assert_eq!(status(&server, document, &link).await, 200);
    assert_eq!(status(&server, "GET /", &link).await, 200);
    assert_eq!(status(&server, "GET /api/documents", &link).await, 403);
    assert_eq!(status(&server, "POST /api/logout", &link).await, 403);
    for (mode, dest) in
        [("navigate", "iframe"), ("no-cors", "image"), ("cors", "empty"), ("no-cors", "document")]
    {
        assert_eq!(status(&server, document, &followed(mode, dest)).await, 403, "{mode} {dest}");
    }
}
