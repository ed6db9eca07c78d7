//! Tokens that let their holder do one thing to one thing: read a file, settle a run.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tieline_model::{FileId, ProjectId, RunId, Timestamp};
use tieline_signature::tag::{TagKey, tag, verify};

/// Makes and reads tokens. They need no storage: a token is a tag over what it allows.
#[derive(Clone, Debug)]
pub struct Tokens(TagKey);

/// What a callback's token proves: it was made for this claim of this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallbackClaim {
    pub project: ProjectId,
    pub run: RunId,
    /// The claim's epoch, so that an earlier attempt's token settles nothing.
    pub epoch: u32,
}

impl Tokens {
    /// From the hub's 32 random bytes, which stay the same over restarts.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(TagKey::new(key))
    }

    /// `<until>.<tag>`, with the end in seconds since the Unix epoch: it is read from the token, and
    /// the tag proves it.
    pub fn for_file(&self, (project, file): (ProjectId, FileId), until: Timestamp) -> String {
        let until_s = until.as_seconds();
        let proof = tag(&self.0, &file_message(project, file, until_s));
        format!("{until_s}.{}", URL_SAFE_NO_PAD.encode(proof))
    }

    /// Whether the token was made for this file, and its time is not over.
    pub fn allows_file(
        &self,
        (project, file): (ProjectId, FileId),
        token: &str,
        now: Timestamp,
    ) -> bool {
        let read = || {
            let (until_s, proof) = token.split_once('.')?;
            let until_s: i64 = until_s.parse().ok()?;
            let presented = URL_SAFE_NO_PAD.decode(proof).ok()?;
            let message = file_message(project, file, until_s);
            verify(&self.0, &message, &presented).then_some(until_s)
        };
        read().is_some_and(|until_s| now.as_seconds() < until_s)
    }

    /// `<project>.<epoch>.<tag>`: the numbers are needed to find the run, the tag proves them.
    pub fn for_callback(&self, claim: CallbackClaim) -> String {
        let proof = URL_SAFE_NO_PAD.encode(tag(&self.0, &callback_message(claim)));
        format!("{}.{}.{proof}", claim.project.0, claim.epoch)
    }

    /// The claim that a token was made for; `None` where it was not made for this run.
    pub fn read_callback(&self, run: RunId, token: &str) -> Option<CallbackClaim> {
        let mut parts = token.splitn(3, '.');
        let project = ProjectId(parts.next()?.parse().ok()?);
        let epoch = parts.next()?.parse().ok()?;
        let presented = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        let claim = CallbackClaim {
            project,
            run,
            epoch,
        };
        verify(&self.0, &callback_message(claim), &presented).then_some(claim)
    }
}

fn file_message(project: ProjectId, file: FileId, until_s: i64) -> Vec<u8> {
    [
        b"file".as_slice(),
        &project.0.to_be_bytes(),
        file.as_bytes(),
        &until_s.to_be_bytes(),
    ]
    .concat()
}

fn callback_message(claim: CallbackClaim) -> Vec<u8> {
    let CallbackClaim {
        project,
        run,
        epoch,
    } = claim;
    [
        b"callback".as_slice(),
        &project.0.to_be_bytes(),
        run.as_bytes(),
        &epoch.to_be_bytes(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: ProjectId = ProjectId(1);

    #[test]
    fn a_file_token_opens_its_file_alone_and_not_for_ever() {
        let tokens = Tokens::new(&[7; 32]);
        let (one, two) = (FileId::from_bytes([1; 16]), FileId::from_bytes([2; 16]));
        let at = |s: i64| Timestamp::from_millis(s * 1000);
        let token = tokens.for_file((PROJECT, one), at(100));
        let allows = |of, token: &str, s| tokens.allows_file(of, token, at(s));
        assert!(allows((PROJECT, one), &token, 99));
        assert!(!allows((PROJECT, one), &token, 100));
        assert!(!allows((PROJECT, two), &token, 99));
        assert!(!allows((ProjectId(2), one), &token, 99));
        let later = token.replacen("100.", "900.", 1);
        let tag_alone = token.split_once('.').unwrap().1;
        for bad in ["", ".", "100.", "100", &later, tag_alone] {
            assert!(!allows((PROJECT, one), bad, 99), "{bad}");
        }
        assert!(!Tokens::new(&[8; 32]).allows_file((PROJECT, one), &token, at(99)));
    }

    #[test]
    fn a_callback_token_names_its_claim_and_cannot_be_changed() {
        let tokens = Tokens::new(&[7; 32]);
        let claim = CallbackClaim {
            project: PROJECT,
            run: RunId::from_bytes([3; 16]),
            epoch: 2,
        };
        let token = tokens.for_callback(claim);
        assert_eq!(tokens.read_callback(claim.run, &token), Some(claim));
        assert_eq!(
            tokens.read_callback(RunId::from_bytes([4; 16]), &token),
            None
        );
        assert_eq!(
            tokens.read_callback(claim.run, &token.replacen("1.2.", "1.3.", 1)),
            None
        );
        for bad in ["", "1", "1.2", "1.2.", "x.y.z", "1.2.AAAA"] {
            assert_eq!(tokens.read_callback(claim.run, bad), None, "{bad}");
        }
    }
}
