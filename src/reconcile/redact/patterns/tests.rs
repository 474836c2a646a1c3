use crate::reconcile::redact::{REDACTED, scrub};

const SECRET: &str = "SeCr3tVal9xyz";

#[test]
fn values_are_told_by_their_surroundings() {
    let mut wrong = Vec::new();
    for text in [
        "STEP 4/9: ENV DB_PASSWORD %",
        "ENV GITHUB_TOKEN %",
        "LABEL token %",
        "ARG NPM_TOKEN %",
        "ENV A=b \\\n    DB_PASSWORD=%",
        "GET https://h/blobs/sha256/ab/abcd/data?verify=1699999999-%: 403",
        "https;AccountName=x;AccountKey=%AAAA==;EndpointSuffix=x",
        "AccountKey=%",
        "https://x/?hdnts=exp=1~hmac=%",
        "https://x/?Policy=%&Key-Pair-Id=1",
        "https://x/?code=%",
        "sig=%&sv=1",
        "https://x/?sv=1\\u0026sig=%",
        "-H 'X-Api-Key:%'",
        "-H 'PRIVATE-TOKEN:%'",
        "-H X-Vault-Token:%",
        "x-registry-auth:%",
        "cookie:a=%",
        "> api-key: %",
        "apikey: %",
        "> Ocp-Apim-Subscription-Key: %",
        "X-JFrog-Art-Api: %",
        "X-JFrog-Art-Api:%",
        "<server><password>%</password></server>",
        "<Password>%</Password>",
        "<add key=\"ClearTextPassword\" value=\"%\" />",
        "chpasswd <<< \"root:%\"",
        "passwd --stdin core <<< %",
        "openssl passwd -6 %",
        "openssl passwd -6 -salt abc %",
        "htpasswd -bB f u %",
        "htpasswd -nb u %",
        "DBPASS=%",
        "RAILS_MASTER_KEY=%",
        "SIGNING_KEY=%",
        "DEPLOY_KEY=%",
        "WG_PSK=%",
        "psk=%",
        "PresharedKey = %",
        "password: |\n  %",
        "- password: >-\n  a\n\n  %\n",
        "password:\n  %",
        "PASSWORD='abc\n%'",
        "TOKEN=\"a\nb %\"",
        "//u:%@h/x",
        "(u:%@h)",
        "<u:%@h>",
        "Bearer: %",
        "bearer=%",
        "sk_test_%%",
        "rk_live_%%",
        "SG.%.%",
        "dop_v1_%%",
        "AKCp8%",
        "ATATT3x%%",
        "AGE-SECRET-KEY-1%",
    ] {
        let shown = scrub(&text.replace('%', SECRET), &[]);
        if shown.contains(SECRET) || !shown.contains(REDACTED) {
            wrong.push(format!("{text:?} gives {shown:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn private_keys_in_base64_are_hidden_and_certificates_are_not() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY"] {
        let key =
            STANDARD.encode(format!("-----BEGIN {label}-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\n-----END {label}-----\n"));
        for text in [format!("client-key-data: {key}"), format!("tls.key: {key}"), format!("\"data:;base64,{key}\"")] {
            assert!(!scrub(&text, &[]).contains(&key[20..]), "{text}");
        }
        let wrapped = format!("a {}\n{}\nb", &key[..60], &key[60..]);
        assert_eq!(scrub(&wrapped, &[]), "a [redacted]\nb");
    }
    let certificate = STANDARD.encode("-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\n");
    assert_eq!(scrub(&format!("ca {certificate}"), &[]), format!("ca {certificate}"));
}

#[test]
fn what_only_looks_like_a_credential_is_shown() {
    let mut wrong = Vec::new();
    for text in [
        "unable to retrieve auth token: invalid username/password: unauthorized: authentication required",
        "exceeded quota: q, requested: secrets=1, used: secrets=10, limited: secrets=10",
        "requested: count/secrets=1, used: count/secrets=10",
        "must set automountServiceAccountToken=false",
        "nothing provides libsecret = 0.20.4-1 needed by x",
        "package libsecret-0.20.4 requires passwd = 0.80-1, but none can be installed",
        "PWD=/root",
        "OLDPWD=/root/src",
        "+ PWD=/x make",
        "pwd: /root",
        "TOKEN_COUNT=3",
        "max_tokens=5",
        "No matching version found for react:17@latest",
        "error: package foo:bar@1.2.3 not found",
        "module node:fs@18",
        "--signature-policy /etc/x",
        "ENV TOKEN_FILE /run/token",
        "https://h/x?verify=false&code=404",
        "// see a@b, or //host/a@b",
        "LABEL summary a token of thanks",
        "invalid token:\n  expired",
        "Basic: authentication",
        "openssl passwd -6",
    ] {
        let shown = scrub(text, &[]);
        if shown != text {
            wrong.push(format!("{text:?} gives {shown:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
