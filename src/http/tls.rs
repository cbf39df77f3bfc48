//! TLS: a certificate and its key from two files, read again when the process is told to (SIGHUP).
//! Which versions and ciphers are good is left to rustls.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::ring;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The name of HTTP/2 among the protocols that the two ends of a connection agree on.
const HTTP_2: &[u8] = b"h2";

/// Why connections can't be secured. Each message says what to change.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("can't read `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The certificate file has none.
    #[error("`{}` holds no certificate: it should be PEM, with `BEGIN CERTIFICATE` in it", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The key file has none that can be used.
    #[error(
        "`{}` holds no private key that can be used: it should be PEM, with `BEGIN PRIVATE KEY` in it, \
         and without a password", path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The files don't belong together.
    #[error(
        "the key in `{}` is not the one of the first certificate in `{}`: name the two that were \
         made together", key.display(), certificate.display()
    )]
    Mismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
    /// The library refused them for another reason.
    #[error("the certificate in `{}` can't be used: {source}", path.display())]
    Unusable {
        /// The certificate's file.
        path: PathBuf,
        /// Its words.
        source: rustls::Error,
    },
}

/// What secures connections. Clones share the certificate.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    shown: Arc<Shown>,
}

/// The certificate that is shown, and where it came from.
#[derive(Debug)]
struct Shown {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Tls {
    /// Reads the certificate with its chain, and its key.
    ///
    /// # Errors
    /// Says which file is wrong, and how.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let current = RwLock::new(Arc::new(read(certificate, key)?));
        let shown = Arc::new(Shown { certificate: certificate.into(), key: key.into(), current });
        let unusable = |source| TlsError::Unusable { path: certificate.into(), source };
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let mut config = config.with_no_client_auth().with_cert_resolver(Arc::<Shown>::clone(&shown));
        config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), shown })
    }

    /// Reads both files again; new connections see what they hold now.
    ///
    /// # Errors
    /// As [`Self::open`]; then the old certificate stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        let read = Arc::new(read(&self.shown.certificate, &self.shown.key)?);
        *self.shown.current.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }
}

/// Whether both ends of a connection agreed on HTTP/2 when it was set up.
pub(super) fn agreed_on_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP_2)
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let unreadable = |path: &Path, source| TlsError::Unreadable { path: path.into(), source };
    let pem = std::fs::read(certificate).map_err(|source| unreadable(certificate, source))?;
    let chain: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| TlsError::NoCertificate { path: certificate.into() })?;
    let pem = std::fs::read(key).map_err(|source| unreadable(key, source))?;
    let no_key = || TlsError::NoKey { path: key.into() };
    let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| no_key())?;
    let signing = ring::default_provider().key_provider.load_private_key(private).map_err(|_| no_key())?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
            Err(TlsError::Mismatch { key: key.into(), certificate: certificate.into() })
        }
        Err(source) => Err(TlsError::Unusable { path: certificate.into(), source }),
    }
}
