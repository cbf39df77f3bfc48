//! Tokens that someone else signs: the good ones, and everything that only looks like one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use reqwest::StatusCode;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use crate::support::Server;
use crate::team::{Person, UNHURRIED};

const SECRET: &str = "a-secret-for-tests-that-is-long-enough-to-be-one";

/// Base64 as tokens have it.
fn encoded(bytes: impl AsRef<[u8]>) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = bytes.as_ref().chunks(3).flat_map(|chunk| {
        let number = chunk.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        (0..=chunk.len()).map(move |at| DIGITS[(number >> (18 - 6 * at)) as usize & 63])
    });
    digits.map(char::from).collect()
}

fn token(header: &Value, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", encoded(header.to_string()), encoded(claims));
    let signature = encoded(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn hmac(secret: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
    move |message| ring::hmac::sign(&key, message).as_ref().to_vec()
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Claims that are good, with these in place of some; null takes one out.
fn claims(changes: &Value) -> String {
    let mut claims = json!({
        "sub": "ada", "iss": "https://issuer.example", "aud": "ibid", "exp": now() + 600, "nbf": now() - 5,
        "scope": "openid read ask write", "tier": "PRO",
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims.to_string()
}

async fn server(jwt: &str) -> Server {
    let access = "[access]\nmode = \"jwt\"\n";
    let named = "audience = \"ibid\"\nissuer = \"https://issuer.example\"\n";
    Server::with_config(&format!("{access}{UNHURRIED}[jwt]\n{named}{jwt}")).await
}

async fn with_secret() -> Server {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), SECRET).unwrap();
    server(&format!("algorithm = \"HS256\"\nsecret_file = \"{}\"\n", file.path().display())).await
}

async fn status(server: &Server, token: &str) -> StatusCode {
    Person::with(server, Some(token)).status("/api/me").await
}

#[tokio::test]
async fn a_good_token_says_who_and_what() {
    let server = with_secret().await;
    let good =
        |changes| token(&json!({"alg": "HS256", "typ": "JWT"}), &claims(&changes), hmac(SECRET.as_bytes()));
    let me = async |changes| Person::with(&server, Some(&good(changes))).get("/api/me").await;
    let ada = me(json!({})).await;
    assert_eq!((&ada["user"], &ada["tier"]), (&json!("ada"), &json!("PRO")));
    assert_eq!(ada["scopes"], json!(["read", "ask", "write"]));
    assert_eq!(me(json!({"scope": ["ibid:read"]})).await["scopes"], json!(["read"]));
    assert_eq!(me(json!({"scope": "openid"})).await["scopes"], json!([]));
    assert_eq!(me(json!({"scope": null, "tier": "none such"})).await["tier"], "BASIC");
    assert_eq!(me(json!({"aud": ["other", "ibid"]})).await["user"], "ada");
    // Clocks may differ a little.
    assert_eq!(me(json!({"exp": now() - 10, "nbf": now() + 10})).await["user"], "ada");
}

#[tokio::test]
async fn what_only_looks_like_a_token_is_refused() {
    let server = with_secret().await;
    let secret = SECRET.as_bytes();
    let hs256 = json!({"alg": "HS256", "typ": "JWT"});
    let good = token(&hs256, &claims(&json!({})), hmac(secret));
    assert_eq!(status(&server, &good).await, StatusCode::OK);

    let mut forged: Vec<(String, String)> = Vec::new();
    for alg in ["none", "None", "NONE", "nOnE", "", "HS384", "HS512", "RS256", "ES256", "hs256"] {
        let header = json!({"alg": alg});
        forged.push((format!("unsigned {alg}"), token(&header, &claims(&json!({})), |_| Vec::new())));
        forged.push((format!("as {alg}"), token(&header, &claims(&json!({})), hmac(secret))));
    }
    for changes in [
        json!({"exp": null}),
        json!({"exp": now() - 60}),
        json!({"exp": "soon"}),
        json!({"exp": -1}),
        json!({"nbf": now() + 60}),
        json!({"nbf": "now"}),
        json!({"aud": "other"}),
        json!({"aud": null}),
        json!({"aud": []}),
        json!({"iss": "https://issuer.example.evil.example"}),
        json!({"iss": null}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": 7}),
        json!({"sub": "local"}),
        json!({"sub": "a\nb"}),
    ] {
        forged.push((changes.to_string(), token(&hs256, &claims(&changes), hmac(secret))));
    }
    let double = claims(&json!({})).replacen('{', "{\"exp\": 1, ", 1);
    forged.push(("a claim twice".into(), token(&hs256, &double, hmac(secret))));
    for other in ["", "null", "secret", "a-secret-for-tests-that-is-long-enough-to-be-on"] {
        forged.push((
            format!("signed with {other:?}"),
            token(&hs256, &claims(&json!({})), hmac(other.as_bytes())),
        ));
    }
    for (name, value) in [
        ("jwk", json!({"kty": "oct", "k": encoded("x")})),
        ("jku", json!("http://127.0.0.1:9/")),
        ("kid", json!("../../etc/passwd")),
    ] {
        let mut header = hs256.clone();
        header[name] = value;
        forged.push((format!("its own {name}"), token(&header, &claims(&json!({})), hmac(b"x"))));
    }
    let parts: Vec<&str> = good.split('.').collect();
    let other = encoded(claims(&json!({"sub": "eve"})));
    forged.push(("other claims".into(), format!("{}.{other}.{}", parts[0], parts[2])));
    forged.push(("no signature".into(), format!("{}.{}.", parts[0], parts[1])));
    forged.push(("two parts".into(), format!("{}.{}", parts[0], parts[1])));
    forged.push(("four parts".into(), format!("{good}.{}", parts[2])));
    forged.push(("altered signature".into(), good[..good.len() - 4].to_owned() + "AAAA"));
    forged.push(("only dots".into(), "..".into()));
    forged
        .push(("very long".into(), token(&hs256, &claims(&json!({"x": "y".repeat(20_000)})), hmac(secret))));
    assert!(forged.len() >= 30);
    for (what, forged) in forged {
        assert_eq!(status(&server, &forged).await, StatusCode::UNAUTHORIZED, "{what}: {forged}");
    }
}

/// The public half of the RSA key for tests, as a key set has it, and the pair itself.
fn rsa() -> (RsaKeyPair, Vec<u8>, Value) {
    let pair = RsaKeyPair::from_pkcs8(include_bytes!("../../fixtures/access/rsa.der")).unwrap();
    let parts = ring::signature::RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
    let jwk = json!({"kty": "RSA", "kid": "rsa", "n": encoded(&parts.n), "e": encoded(&parts.e)});
    (pair, parts.n, jwk)
}

#[tokio::test]
async fn a_public_key_is_no_secret_and_no_other_kind_of_key() {
    let (pair, modulus, rsa) = rsa();
    let (_, ec) = ec("ec");
    let oct = json!({"kty": "oct", "kid": "oct", "k": encoded(SECRET)});
    let file = tempfile::NamedTempFile::new().unwrap();
    let set = json!({"keys": [rsa, ec, oct]}).to_string();
    std::fs::write(file.path(), &set).unwrap();
    let server = server(&format!("jwks_file = \"{}\"\n", file.path().display())).await;

    let signed = |message: &[u8]| {
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    };
    let header = |alg: &str, kid: &str| json!({"alg": alg, "kid": kid});
    let good = token(&header("RS256", "rsa"), &claims(&json!({})), signed);
    assert_eq!(status(&server, &good).await, StatusCode::OK);
    for (what, forged) in [
        ("HS256 with the modulus", token(&header("HS256", "rsa"), &claims(&json!({})), hmac(&modulus))),
        ("HS256 with the key set", token(&header("HS256", "rsa"), &claims(&json!({})), hmac(set.as_bytes()))),
        (
            "HS256 with a key of the set",
            token(&header("HS256", "oct"), &claims(&json!({})), hmac(SECRET.as_bytes())),
        ),
        (
            "RS256 named, HS256 made",
            token(&header("RS256", "oct"), &claims(&json!({})), hmac(SECRET.as_bytes())),
        ),
        ("another key's id", token(&header("RS256", "ec"), &claims(&json!({})), signed)),
        ("an unknown id", token(&header("RS256", "other"), &claims(&json!({})), signed)),
        ("no id of three", token(&json!({"alg": "RS256"}), &claims(&json!({})), signed)),
        ("another way of signing", token(&header("RS512", "rsa"), &claims(&json!({})), signed)),
    ] {
        assert_eq!(status(&server, &forged).await, StatusCode::UNAUTHORIZED, "{what}");
    }
}

fn ec(id: &str) -> (EcdsaKeyPair, Value) {
    let random = SystemRandom::new();
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random).unwrap();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let jwk = json!({"kty": "EC", "crv": "P-256", "kid": id, "x": encoded(x), "y": encoded(y)});
    (pair, jwk)
}

#[tokio::test]
async fn a_key_set_is_fetched_once_and_again_for_a_new_key_but_not_at_will() {
    let (first, first_jwk) = ec("first");
    let (second, second_jwk) = ec("second");
    let served = Arc::new(Mutex::new(json!({"keys": [first_jwk.clone()]})));
    let fetched = Arc::new(AtomicUsize::new(0));
    let answer = {
        let (served, fetched) = (Arc::clone(&served), Arc::clone(&fetched));
        move || async move {
            fetched.fetch_add(1, Ordering::SeqCst);
            served.lock().unwrap().to_string()
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    tokio::spawn(
        async move { axum::serve(listener, Router::new().route("/jwks", get(answer))).await.unwrap() },
    );
    let server = server(&format!("algorithm = \"ES256\"\njwks_url = \"{url}\"\n")).await;

    let made = |pair: &EcdsaKeyPair, id: &str| {
        let sign = |message: &[u8]| pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec();
        token(&json!({"alg": "ES256", "kid": id}), &claims(&json!({})), sign)
    };
    for _ in 0..5 {
        assert_eq!(status(&server, &made(&first, "first")).await, StatusCode::OK);
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
    *served.lock().unwrap() = json!({"keys": [first_jwk, second_jwk]});
    // Unknown ids don't make the server fetch as often as someone likes.
    for number in 0..20 {
        let unknown = made(&second, &format!("guess{number}"));
        assert_eq!(status(&server, &unknown).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
    assert_eq!(status(&server, &made(&first, "first")).await, StatusCode::OK);
}
