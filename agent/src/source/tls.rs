//! Whom to trust when a connection to a server is encrypted, and files that hold a secret.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use hi_common::config::Secret;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Whose certificates are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust<'a> {
    /// Those that the system's authorities have signed, for the name of the server.
    System,
    /// Those that an authority of this PEM file has signed, for the name of the server.
    File(&'a str),
    /// Any: keeps out who only listens, not who stands between.
    Anyone,
}

/// How to encrypt.
///
/// # Errors
/// In words: the file cannot be read, or holds no certificate.
pub fn client(trust: Trust<'_>) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let config = match trust {
        Trust::Anyone => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny { provider }))
        }
        Trust::System => builder.with_root_certificates(system()),
        Trust::File(path) => builder.with_root_certificates(authorities(path)?),
    };
    Ok(Arc::new(config.with_no_client_auth()))
}

fn system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // What cannot be read or parsed is left out: without any, every certificate is refused, which says what is missing.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn authorities(path: &str) -> Result<RootCertStore, String> {
    let text = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| format!("holds no PEM certificates: {error}"))?;
        roots.add(certificate).map_err(|error| format!("holds a certificate of no authority: {error}"))?;
    }
    if roots.is_empty() {
        return Err("holds no PEM certificates".to_owned());
    }
    Ok(roots)
}

/// The secret in the first line of a file. Not read through the host, so that no capture holds it.
///
/// # Errors
/// In words.
pub fn secret_file(path: &str) -> Result<Secret, String> {
    const SECRET_FILE_BYTES_MAX: u64 = 64 << 10;
    let path = Path::new(path);
    let length = fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?.len();
    if length > SECRET_FILE_BYTES_MAX {
        return Err(format!("has {length} bytes, which is too long for a password"));
    }
    let text = fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    Ok(Secret::from(text.lines().next().unwrap_or_default().trim()))
}

/// Accepts every certificate whose key the server has.
#[derive(Debug)]
struct AcceptAny {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_without_a_certificate_or_secret_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let path = path.to_str().unwrap();
        assert!(client(Trust::File(path)).unwrap_err().contains("cannot be read"));
        fs::write(path, "not PEM").unwrap();
        assert!(client(Trust::File(path)).unwrap_err().contains("no PEM certificates"));
        fs::write(path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(client(Trust::File(path)).is_err());
        assert_eq!(secret_file(path).unwrap(), Secret::from("-----BEGIN CERTIFICATE-----"));
        fs::write(path, vec![b'a'; 1 << 20]).unwrap();
        assert!(secret_file(path).unwrap_err().contains("too long"));
        assert!(client(Trust::Anyone).is_ok() && client(Trust::System).is_ok());
    }
}
