//! Certificates and keys, from PEM files.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, RootCertStore};

use super::{Fault, provider};
use crate::rules::Words;

/// Bytes of one file: all authorities that a system trusts are a fifth of this.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Permission bits of those who are neither owner nor group.
const OTHERS: u32 = 0o007;

/// A file, and the setting that names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'a> {
    pub(super) setting: &'static str,
    pub(super) path: &'a Path,
}

impl Named<'_> {
    fn fault(&self, english: &str, chinese: &str, hint: Words) -> Fault {
        let path = self.path.display();
        let message = Words::new(format!("{path} {english}"), format!("{path} {chinese}"));
        Fault::of(self.setting, message, hint)
    }

    /// Its bytes.
    fn read(&self) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        let read = File::open(self.path)
            .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
        read.map_err(|error| {
            self.fault(
                &format!("cannot be read: {error}"),
                &format!("无法读取：{error}"),
                Words::fixed(
                    "name a file that is there, and that whoever runs this may read",
                    "请指定存在且运行者有权读取的文件",
                ),
            )
        })?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(self.fault("is longer than 1 MiB", "超过 1 MiB", PEM.clone()));
        }
        Ok(bytes)
    }

    /// The certificates in it, of which there is at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Fault> {
        let bytes = self.read()?;
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        let certificates = read.map_err(|error| self.damaged(&error))?;
        if certificates.is_empty() {
            return Err(self.fault("holds no certificate", "不含证书", PEM.clone()));
        }
        for (number, one) in (1..).zip(&certificates) {
            if let Err(error) = ParsedCertificate::try_from(one) {
                return Err(self.fault(
                    &format!("is damaged: certificate {number}: {error}"),
                    &format!("已损坏：第 {number} 个证书无法解析（{error}）"),
                    AGAIN.clone(),
                ));
            }
        }
        Ok(certificates)
    }

    /// The certificates in it, as authorities.
    pub(super) fn authorities(&self) -> Result<RootCertStore, Fault> {
        let mut authorities = RootCertStore::empty();
        for one in self.certificates()? {
            authorities.add(one).map_err(|error| {
                self.fault(
                    &format!("holds what is no authority: {error}"),
                    &format!("含有不能作为签发机构的证书（{error}）"),
                    PEM.clone(),
                )
            })?;
        }
        Ok(authorities)
    }

    /// The key in it, which nobody but owner and group may touch: it is worth what the server is.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, Fault> {
        let bytes = self.read()?;
        let mode = std::fs::metadata(self.path).map_or(0, |found| found.permissions().mode());
        if mode & OTHERS != 0 {
            return Err(self.fault(
                &format!("can be touched by everybody (mode {:03o})", mode & 0o777),
                &format!("任何人都可访问（权限 {:03o}）", mode & 0o777),
                Words::new(
                    format!("chmod o= {}; then think whether somebody has it", self.path.display()),
                    format!("请运行 chmod o= {}，并考虑密钥是否已泄露", self.path.display()),
                ),
            ));
        }
        PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| {
            if !matches!(error, PemError::NoItemsFound) {
                return self.damaged(&error);
            }
            if memchr::memmem::find(&bytes, b"ENCRYPTED").is_none() {
                return self.fault("holds no private key", "不含私钥", KEY_FORMS.clone());
            }
            self.fault(
                "holds an encrypted key, and nobody is there to ask for its password",
                "中的密钥已加密，而启动时无人可输入密码",
                Words::fixed(
                    "openssl pkey -in FILE -out PLAIN writes it plain; keep that at mode 600",
                    "用 openssl pkey -in FILE -out PLAIN 解密，并保持权限 600",
                ),
            )
        })
    }

    fn damaged(&self, error: &PemError) -> Fault {
        let (english, chinese) = if matches!(error, PemError::MissingSectionEnd { .. }) {
            ("it is cut off", "内容不完整")
        } else if matches!(error, PemError::IllegalSectionStart { .. }) {
            ("a BEGIN line is broken", "BEGIN 行有误")
        } else {
            ("it is no base64", "不是有效的 base64")
        };
        let (english, chinese) = (format!("is damaged: {english}"), format!("已损坏：{chinese}"));
        self.fault(&english, &chinese, AGAIN.clone())
    }
}

/// A certificate's chain with its key.
pub(super) fn certified(
    certificate: Named<'_>,
    key: Named<'_>,
) -> Result<CertifiedKey, Vec<Fault>> {
    let (chain, private) = match (certificate.certificates(), key.key()) {
        (Ok(chain), Ok(private)) => (chain, private),
        (chain, private) => return Err(chain.err().into_iter().chain(private.err()).collect()),
    };
    let certified = CertifiedKey::from_der(chain, private, &provider());
    certified.map_err(|error| {
        if error != Error::InconsistentKeys(InconsistentKeys::KeyMismatch) {
            return vec![key.fault(
                &format!("holds a key that cannot be used: {error}"),
                &format!("中的密钥无法使用（{error}）"),
                KEY_FORMS.clone(),
            )];
        }
        let of = certificate.path.display();
        vec![key.fault(
            &format!("is not the key of the first certificate in {of}"),
            &format!("与 {of} 中的第一个证书不匹配"),
            Words::fixed(
                "put both in place before either is read; the certificate of the key comes first \
                 in its file",
                "请先将两个文件都放好再读取；与密钥对应的证书应在文件最前",
            ),
        )]
    })
}

const PEM: &Words = &Words::fixed(
    "it must be PEM: -----BEGIN CERTIFICATE----- and base64",
    "应为 PEM 格式：-----BEGIN CERTIFICATE----- 及 base64",
);

const AGAIN: &Words = &Words::fixed("copy it again, whole", "请重新完整复制该文件");

const KEY_FORMS: &Words = &Words::fixed(
    "it must be PEM, of an ECDSA (P-256, P-384), Ed25519 or RSA key (2,048 bits and more), as PKCS#8, SEC1 or PKCS#1",
    "应为 PEM 格式的 ECDSA（P-256、P-384）、Ed25519 或 RSA（2,048 位以上）密钥，可用 PKCS#8、SEC1 或 PKCS#1",
);
