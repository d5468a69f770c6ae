# s-nail(1)
# needs: s-nail
base=(s-nail -n -S v15-compat -S sendwait -S from=alice@example.com -S tls-verify=ignore -S smtp-use-starttls -S smtp-auth=plain)
want 'exit 0' bash -c "echo Hello. | ${base[*]} -S mta=smtp://alice:sesame@$SUBMISSION -s by-s-nail carol@example.org; echo exit \$?"
want '535|exit [1-9]' bash -c "echo Hello. | ${base[*]} -S mta=smtp://alice:wrong@$SUBMISSION -s x carol@example.org; echo exit \$?"
