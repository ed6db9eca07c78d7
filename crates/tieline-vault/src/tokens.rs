//! Tokens that let their holder do one thing to one thing: read a file, settle a run.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tieline_model::{FileId, ProjectId, RunId};
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

    pub fn for_file(&self, project: ProjectId, file: FileId) -> String {
        URL_SAFE_NO_PAD.encode(tag(&self.0, &file_message(project, file)))
    }

    pub fn allows_file(&self, project: ProjectId, file: FileId, token: &str) -> bool {
        URL_SAFE_NO_PAD
            .decode(token)
            .is_ok_and(|presented| verify(&self.0, &file_message(project, file), &presented))
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

fn file_message(project: ProjectId, file: FileId) -> Vec<u8> {
    [
        b"file".as_slice(),
        &project.0.to_be_bytes(),
        file.as_bytes(),
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
    fn a_file_token_opens_its_file_alone() {
        let tokens = Tokens::new(&[7; 32]);
        let (one, two) = (FileId::from_bytes([1; 16]), FileId::from_bytes([2; 16]));
        let token = tokens.for_file(PROJECT, one);
        assert!(tokens.allows_file(PROJECT, one, &token));
        assert!(!tokens.allows_file(PROJECT, two, &token));
        assert!(!tokens.allows_file(ProjectId(2), one, &token));
        assert!(!tokens.allows_file(PROJECT, one, ""));
        assert!(!tokens.allows_file(PROJECT, one, token.get(1..).unwrap()));
        assert!(!Tokens::new(&[8; 32]).allows_file(PROJECT, one, &token));
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
