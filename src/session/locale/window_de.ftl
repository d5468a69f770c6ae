# Wörter der Bereiche des Fensters.
past-notice = Du siehst die Vergangenheit: Was du hier tust, beginnt einen anderen Verlauf.
caption-begin = Noch ist nichts geschehen.
caption-rest = In diesem Moment bewegt sich nichts.
start-lab = Noch ist nichts geschehen. Mit + Terminal setzt du dich an einen Rechner.
start-hint = Leertaste spielt ab, → geht einen Schritt, ein Klick fragt warum. Alle Tasten: ?
note-end = Das ist das Ende.
note-beginning = Das ist der Anfang.
note-no-command = Kein weiterer Befehl in dieser Richtung.
note-no-hop = Keine weitere Station in dieser Richtung.
note-no-refusal = Keine weitere Ablehnung in dieser Richtung.
note-no-bounce = Kein weiterer Bounce in dieser Richtung.
note-no-decision = Keine weitere Entscheidung in dieser Richtung.
note-no-narration = Kein weiteres Kapitel in dieser Richtung.
note-not-done = Diese Aufgabe war in keinem Moment erledigt.
note-no-future = Es gibt nur diesen Verlauf. Geh zurück und tu etwas anderes, dann sind es zwei.

branch-compare = vergleichen
branch-name = Name dieses Verlaufs
compare-first = ≠ Der erste Unterschied
compare-same = Beide Verläufe sind bisher gleich.
compare-cut = Es folgt mehr, das hier nicht verglichen wird.

ask-title = Was wird geschehen?
ask-choose = Wähle, bevor du es siehst.
ask-count = Zähle die erhobenen Hände: ein Klick oder die Ziffer für jede.
ask-show = Antwort zeigen
ask-go-on = Weiter

bench-wait = Zeit vergehen lassen
bench-program = Mailprogramm
telnet-nobody = Niemand lauscht.
lab-sit = Setz dich an { $host } als { $user }

tab-message = Nachricht
letter-none = Dazu gehört keine Nachricht. Wähle eine Mail unterwegs oder einen Dialog mit DATA.
letter-envelope = Umschlag (MAIL FROM, RCPT TO)
letter-header = Kopf des Briefes
letter-from = Von
letter-to = An
letter-differs = Umschlag und Kopf unterscheiden sich: Rechner folgen dem Umschlag, Menschen lesen den Kopf.
letter-all = alle Kopfzeilen
letter-octets = Wie auf der Leitung: CR LF beendet jede Zeile, ein Punkt am Zeilenanfang wird verdoppelt, ein Punkt allein beendet die Nachricht.
letter-way = Der Weg (Received, von unten gelesen)
letter-written = hier geschrieben
letter-by = von { $host }

program-write = Schreiben
program-none = Noch kein Postfach.
program-choose = Wähle ein Postfach.
program-reply = Antworten
program-at = Auf
program-user = als
program-server = SMTP-Server (leer: der Befehl mail dieses Rechners)
program-port = Port
program-login = Login
program-password = Passwort
program-subject = Betreff
program-text = Text
program-send = Senden

certificate-title = Zertifikat des Servers
certificate-names = Namen
certificate-wanted = Gefragter Name
certificate-issuer = Unterschrieben von
certificate-valid = Gültig
certificate-key = Schlüssel
certificate-verdict = Urteil
datagram-none = Dafür ging nichts über die Leitung: Die Antwort kam aus einem Cache, oder das Paket ging verloren.

config-filter = Parameter
config-all = mit Vorgaben
config-is-default = Vorgabe
config-tables = Lookup-Tabellen
config-ask = Schlüssel
config-entries = { $count ->
    [one] ein Eintrag
   *[other] { $count } Einträge
}
config-nothing = nicht gefunden

chooser-demonstrations = Vorführungen
chooser-labs = Labs
chooser-recordings = Was du zuletzt getan hast

key-bounce-back = Bounce davor
key-decision-back = Entscheidung davor
key-narration-back = Kapitel davor
key-wait = eine Minute vergehen lassen
key-wait-long = eine Stunde vergehen lassen
key-text = die Geschichte als Text
key-program = Mailprogramm
key-compare = zwei Verläufe vergleichen
key-future = nächster Verlauf

exact-title = Genaue Fehler in SMTP-Dialogen dieses Servers
exact-next = die nächsten
exact-every = 0 = alle
exact-stage = Befehl
exact-for = Adresse
exact-any = jede
exact-answer = Antwort
exact-add = Scharf stellen
exact-left = noch { $count }

why-nothing = Noch ist nichts geschehen. Klick etwas auf der Karte, im Log oder in einer Liste an, und hier steht, warum es so ist.
why-without = Ohne diese Zeile?
why-without-tip = Spielt alles noch einmal ohne diese Zeile und vergleicht beide Verläufe.

exam-over = Die Prüfung ist vorbei. Jetzt ist alles zu sehen.
exam-left = Prüfung: noch { $left } von { $all } Minuten
exam-hand-in = Abgeben
exam-sit = Öffne unten ein Terminal, und erledige links die Aufgaben.
lab-exam = Als Prüfung ablegen …
lab-exam-terms = Keine Tipps, keine Karte, keine Geschichte, und erst am Ende, wie die Aufgaben stehen.
lab-exam-minutes = Beginnen: { $minutes } Minuten
lab-back = Zurück an die Stelle, an der das erledigt war
lab-catch-up = Hier einsteigen: die Lösung für alles davor übernehmen
fetch-form = Abholen …
fetch-now = Abholen
fetch-server = Server
fetch-keep = auf dem Server lassen
program-fetched = Von Mailprogrammen abgeholt
program-stored = Auf den Servern
