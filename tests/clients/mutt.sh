# mutt(1) without a screen
# needs: mutt
cat >"$WORK/muttrc" <<RC
set from=alice@example.com use_from=yes realname=Alice ssl_starttls=yes ssl_force_tls=yes
set certificate_file=$CA ssl_verify_host=no copy=no
RC
mutt_() { mutt -n -F "$WORK/muttrc" -e "set smtp_url=\"smtp://alice:$1@$SUBMISSION\"" -s by-mutt carol@example.org <<<'Hello.'; echo "exit $?"; }
export -f mutt_
want 'exit 0' mutt_ sesame
want 'exit [1-9]' mutt_ wrong
