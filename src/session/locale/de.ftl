# Worte der Geschichte. Was Rechner einander sagen, ist in jeder Sprache Englisch.
begins = Es ist { $time } UTC. Die Rechner:
gap = { $gap } später: { $time }
because = weil
ended = Am Ende
end-time = Die Geschichte endet um { $time }.

writes = { $user } schreibt an { $to }: „{ $subject }“
sent = { $user }: übergeben an { $server }
not-sent = { $user }: { $server } hat sie nicht angenommen: { $text }
fetched = { $user }: { $count ->
    [0] keine Mail
    [one] eine Mail
   *[other] { $count } Mails
} abgeholt über { $protocol }
polled = { $user }: { $count ->
    [0] keine Mail
    [one] eine Mail
   *[other] { $count } Mails
} abgeholt von { $server }

dns-asks = { $type ->
    [MX] welche Server nehmen Mail für { $name } an? (MX)
    [A] welche Adresse hat { $name }? (A)
    [AAAA] welche IPv6-Adresse hat { $name }? (AAAA)
    [PTR] welchen Namen hat { $name }? (PTR)
   *[other] was hat { $name } als { $type }?
}
told-answer = { $type } von { $name }: { $answer }
told-remembered = { $type } von { $name }: { $answer } (noch bekannt)
told-queue = { $queue ->
    [active] die Mail { $id } wird jetzt bearbeitet
    [deferred] die Mail { $id } muss auf einen weiteren Versuch warten
    [hold] die Mail { $id } wird festgehalten, bis jemand sie freigibt
   *[other] die Mail { $id } kommt in die Warteschlange { $queue }: { $reason }
}
told-leave = die Mail { $id } ist erledigt und verlässt die Warteschlange
told-bounce = schreibt einen Bericht an { $to } (Mail { $id })
told-output = gibt aus: { $text }
caption-rule = { $text }, wegen { $rule }
dns-lost = { $type } { $name }?  (keine Antwort)
dns-answer = { $type } { $name }?  { $answer }
dns-cached = { $type } { $name }?  { $answer } (aus dem Zwischenspeicher)
dns-none = { $rcode ->
    [NXDOMAIN] NXDOMAIN: den Namen gibt es nicht
    [NOERROR] nichts von dieser Art
   *[other] { $rcode }
}

connect = { $result ->
    [open] verbindet sich mit Port { $port }
    [refused] Port { $port }: Verbindung abgelehnt
    [timeout] Port { $port }: keinerlei Antwort
   *[other] Port { $port }: nicht erreichbar
}
session = Sitzung zwischen { $client } und { $server }
message = (die Nachricht: { $octets } Oktette, dann ein einzelner Punkt)
octets = ({ $octets } Oktette)
tls = { $verified ->
    [yes] { $version }, Zertifikat von { $peer } geprüft ({ $verdict })
   *[no] { $version }, verschlüsselt; Zertifikat: { $verdict }
}
auth-ok = { $user } hat sich angemeldet ({ $mechanism }, { $encrypted ->
    [yes] verschlüsselt
   *[no] unverschlüsselt
})
auth-failed = Anmeldung als { $user } abgelehnt ({ $mechanism })

policy-step = { $restriction } [{ $input }]: { $result }
policy-permit = { $list }: erlaubt
policy-refuse = { $list }: { $text }
policy-other = { $list }: { $action } { $text }

queue-enter = eingereiht als { $id }: <{ $sender }> an { $to }
queue-move = { $id } wechselt von { $from } nach { $queue }: { $reason }
queue-leave = { $id } verlässt die Warteschlange: { $reason }
route = { $rcpt } geht per { $transport }{ $nexthop ->
    [none] {""}
   *[other] {" "}an { $nexthop }
} (Klasse { $class })
mx = Server von { $domain } der Reihe nach: { $servers }
rewrite = { $field } { $from } wird zu { $to }
alias = { $name } ist ein Alias für { $to }

deliver-sent = ✓ { $rcpt }: { $agent ->
    [local] abgelegt in { $target }
    [virtual] abgelegt in { $target }
    [mailbox] abgelegt in { $target }
    [file] angehängt an { $target }
    [command] dem Befehl { $target } übergeben
    [pipe] dem Programm { $target } übergeben
    [lmtp] per LMTP an { $target } übergeben
    [discard] mit Absicht weggeworfen
   *[smtp] übergeben an { $target }
}
deliver-other = ✓ { $rcpt }: { $text }
deliver-deferred = … { $rcpt } muss warten ({ $dsn }): { $text }
deliver-bounced = ✗ { $rcpt } ist unzustellbar ({ $dsn }): { $text }
deliver-expired = ✗ { $rcpt }: aufgegeben ({ $dsn }): { $text }
deliver-deliverable = ✓ { $rcpt } wäre zustellbar ({ $text })
deliver-undeliverable = ✗ { $rcpt } wäre unzustellbar ({ $text })
bounce = ein Bericht geht an { $to }, als { $id }
delay = eine Warnung geht an { $to }: { $reason }

map-build = { $file }: { $entries ->
    [one] ein Eintrag
   *[other] { $entries } Einträge
} übersetzt
config = liest seine Konfiguration ({ $how })
filter = { $id }: der Filter sagt { $result }
spf = { $id }: SPF { $result }
dnsbl = { $name }: { $result }
sieve = Sieve für { $user }: { $action }
file-write = schreibt { $path } ({ $by })
command = { $user }$ { $line }
exit = endet mit Status { $status }
service = { $name }: { $state }
clock = die Uhr springt

host-down = { $host } wird ausgeschaltet
host-up = { $host } wird eingeschaltet
fault = { $from } nach { $to }{ $port ->
    [any] {""}
   *[other] , Port { $port }
}: { $effects }
anywhere = überall
effect-latency = { $time } Verzögerung
effect-loss = { $percent } % der Pakete gehen verloren
effect-bandwidth = { $octets } Oktette je Sekunde
effect-drop = Pakete verschwinden
effect-reject = Verbindungen werden abgelehnt
effect-unreachable = kein Weg
repair = „{ $name }“ ist behoben

expect-met = ✓ wie erwartet: { $what }
expect-missed = ✗ NICHT WIE ERWARTET: { $what } (gefunden: { $found })
expect-mailbox = { $count ->
    [0] keine Mail
    [one] eine Mail
   *[other] { $count } Mails
} im Postfach von { $user } auf { $host }
expect-queue = { $count ->
    [0] auf { $host } wartet keine Mail
    [one] auf { $host } wartet eine Mail
   *[other] auf { $host } warten { $count } Mails
}
expect-file = { $path } auf { $host } enthält „{ $text }“
expect-log = im Log von { $host } steht „{ $text }“
event-kind = { $kind ->
    [bounce] Bericht über unzustellbare Mail
    [deliver] Zustellung
    [mua-fetch] Abholen durch ein Mailprogramm
    [mua-send] Einliefern durch ein Mailprogramm
    [mx-choose] Wahl eines Mailservers
    [policy-verdict] Urteil der Regeln eines Servers
    [smtp-auth] Anmeldung
    [smtp-tls] TLS-Handschlag
    [tcp-connect] Verbindung
   *[other] Ereignis { $name }
}
expect-event = { $kind }{ $text ->
    [any] {""}
   *[other] {" "}({ $text })
}
expect-events = { $count } × { $kind }{ $text ->
    [any] {""}
   *[other] {" "}({ $text })
}

total-delivered = zugestellt: { $count }
total-waiting = wartet: { $count }
total-bounced = unzustellbar: { $count }
total-refused = im Dialog abgelehnt: { $count }
told = Bericht an { $to }
unmet = nicht erfüllte Erwartungen: { $count }

# Das Fenster: Bilder.
scene-gap = { $length } vergehen
note-servers = Server für { $domain }
note-aliases = Aliase
note-won = nimmt sie an
note-hop = nächste Station { $domain }
note-nobody = keiner
note-unreached = nicht erreicht
note-class = Klasse { $class }
asked-permitted = Ist { $what } von { $whose } erlaubt?
asked-local = Wohin geht { $what } auf diesem Rechner?
asked-route = Wohin geht { $what }?
asked-mailbox = Welches Postfach hat { $what }?
asked-servers = Welche Server nehmen Mail für { $what } an?
asked-certificate = Ist das der richtige Server?
note-probes = Proben: { $relayed } von { $count } weitergeleitet
note-rewrite = umgeschrieben ({ $what })
note-route = Weg
probe-relayed = leitet weiter!
probe-refused = abgelehnt
probe-taken = angenommen
alias-merged = nur eine Kopie
alias-loop = Schleife!
connect-refused = abgewiesen
connect-timeout = keine Antwort
connect-unreachable = kein Weg
stamp-accepted = angenommen
stamp-later = später wieder
stamp-refused = abgelehnt
stamp-bounced = unzustellbar
stamp-delivered = zugestellt
stamp-reported = Bericht zugestellt
stamp-handed-over = übergeben
stamp-relay-refused = Relay verweigert
stamp-open-relay = OFFENES RELAY
stamp-piped = einem Programm gegeben
stamp-full = Postfach voll
meaning-ehlo = Der Client nennt seinen Namen und fragt, welche Erweiterungen es gibt.
meaning-mail = Beginnt eine Übertragung: wohin Berichte gehen, wenn etwas misslingt.
meaning-rcpt = Ein Empfänger. Der Server entscheidet über jeden für sich.
meaning-data = Gleich kommt die Nachricht selbst.
meaning-rset = Vergisst Absender und Empfänger; die Verbindung bleibt.
meaning-vrfy = Fragt, ob es eine Adresse gibt.
meaning-expn = Fragt, wer auf einer Liste steht.
meaning-noop = Nichts, damit die Verbindung bestehen bleibt.
meaning-quit = Auf Wiedersehen.
meaning-starttls = Bittet um Verschlüsselung von hier an.
meaning-auth = Meldet sich an.
meaning-bdat = Ein Stück der Nachricht, dessen Länge vorher genannt wird.
meaning-etrn = Bittet, zu schicken, was für eine Domain wartet.
meaning-message = Kopf, eine leere Zeile, Text; ein Punkt allein in einer Zeile beendet sie, Punkte am Zeilenanfang werden verdoppelt.
meaning-220 = Bereit.
meaning-221 = Die Verbindung wird geschlossen.
meaning-235 = Angemeldet.
meaning-334 = Das nächste Wort der Anmeldung, in Base64.
meaning-354 = Weiter mit der Nachricht.
meaning-extensions = Der Server nennt seinen Namen und die Erweiterungen, die er kann.
meaning-sender = Der Absender ist angenommen; versprochen ist noch nichts.
meaning-recipient = Dieser Empfänger ist angenommen.
meaning-queued = Der Server hat die ganze Mail und steht von hier an für sie ein.
meaning-421 = Der Server schließt die Verbindung; der Client versucht es später wieder.
meaning-2xx = Erledigt.
meaning-3xx = Weiter.
meaning-4xx = Jetzt nicht: der Client behält die Mail und versucht es wieder.
meaning-5xx = Nein, und ein neuer Versuch hilft nicht.

# Der Übungsbegleiter.
coach-help = Das ist Postfix' wahre Antwort auf HELP: es hat keine Hilfe. Eine Nachricht braucht EHLO, MAIL FROM:<…>, RCPT TO:<…>, DATA, eine Zeile mit nur einem Punkt und QUIT.
coach-unknown = Dieses Wort kennt der Server nicht. Er kennt HELO, EHLO, MAIL FROM, RCPT TO, DATA, RSET, NOOP, VRFY, STARTTLS, AUTH und QUIT.
coach-helo = Sag mit einem Wort, wer du bist, dem Namen deines Rechners: EHLO ws1.example.com
coach-mail = Der Absender steht in spitzen Klammern nach dem Doppelpunkt: MAIL FROM:<alice@example.com>; für niemanden: MAIL FROM:<>
coach-rcpt = Ein Empfänger je Befehl, in spitzen Klammern: RCPT TO:<bob@example.org>
coach-auth-syntax = AUTH verlangt ein Verfahren, das EHLO genannt hat: AUTH PLAIN, AUTH LOGIN. Was folgt, ist base64.
coach-arguments = Das Wort stimmt, was darauf folgt, nicht: manche Befehle verlangen eine Angabe, andere keine.
coach-helo-first = Stell dich zuerst vor: EHLO und der Name deines Rechners.
coach-mail-first = Sag zuerst, von wem: MAIL FROM:<…>, dann RCPT TO:<…>.
coach-rcpt-first = Bisher ist kein Empfänger angenommen: mindestens ein RCPT TO:<…> muss mit 250 beantwortet sein.
coach-nested-mail = Eine Übertragung ist schon offen. Mach mit RCPT TO weiter, oder vergiss sie mit RSET.
coach-order = Die richtige Reihenfolge ist EHLO, MAIL FROM, RCPT TO, DATA.
coach-relay = Dieser Server bewahrt für die Domain weder Post auf, noch gibt er sie für dich weiter. Nimm den Server der Domain (ihren MX), komm aus einem Netz, dem er traut, oder melde dich an.
coach-no-user = Die Domain stimmt, aber dort heißt niemand so.
coach-later = 4xx heißt: jetzt nicht. Ein Mailserver würde die Nachricht behalten und es später noch einmal versuchen.
coach-tls-first = Der Server will zuerst Verschlüsselung: STARTTLS (telnet kann das nicht; openssl s_client -starttls smtp kann es).
coach-password = Benutzer oder Passwort stimmt nicht, oder ein Zeilenende wurde mit kodiert: nimm printf '%s' statt echo vor base64.
coach-size = Die Nachricht ist größer, als der Server annimmt; EHLO nennt die Grenze nach SIZE.
coach-domain = Der Server will einen vollständigen Namen mit einer Domain, die es im DNS gibt.
coach-pop3 = Die Reihenfolge ist USER Name, PASS Passwort, dann STAT, LIST, RETR 1, DELE 1, QUIT.
coach-imap = Jeder Befehl beginnt mit einem eigenen Kennzeichen: a1 LOGIN Name Passwort, a2 SELECT INBOX, a3 FETCH 1 BODY[], a4 LOGOUT.
coach-meant = Meintest du { $word }?

card-down = ausgeschaltet
card-outside = fremd
card-mailbox = { $count ->
    [one] { $count } Mail
   *[other] { $count } Mails
}
card-queue = { $count } in Arbeit
card-deferred = { $count ->
    [one] { $count } wartet { $wait }
   *[other] { $count } warten { $wait }
}
card-waiting = { $count ->
    [one] { $count } wartet
   *[other] { $count } warten
}
mover-envelope = Umschlag
mover-report = Umschlag eines Berichts
mover-letter = Brief
inside-title = in { $host }
inside-nothing = Auf diesem Host gibt es kein Mailsystem.
inside-mails = { $count } Mails
talk-server = Server
talk-client = Client
talk-next = Der Server verstünde jetzt: { $commands }

# Das Fenster: Teile.
bar-home = was es zu sehen gibt
bar-out = wieder hinaus
bar-help = Tasten
bar-presenter = vorführen
bar-theme = hell oder dunkel
bar-language = English
bar-faster = schneller
bar-slower = langsamer
bar-refusal = nächste Ablehnung
bar-next = nächster Schritt
bar-pause = anhalten
bar-play = abspielen
bar-back = Schritt zurück
bar-start = an den Anfang
bar-sockets = Sockets für echte Programme öffnen
chooser-title = Sehen, wie Post reist.
chooser-filter = Suchen
chooser-file = Szenario oder Aufzeichnung
chooser-open = Öffnen
chooser-recent = Zuletzt gesehen:
story-jump = diesen Moment zeigen
story-checks = Was herauskommen muss:
timeline-name = Zeitleiste
bench-events = Ereignisse
bench-sequence = Sequenz
bench-mails = Mails
bench-text = Text
bench-terminal = + Terminal
branch-title = Verläufe:
branch-switch = diesen Verlauf zeigen
branch-parting = hier ging { $name } einen anderen Weg
tab-why = Warum?
tab-dialogue = Dialog
tab-event = Ereignis
tab-config = Konfiguration
tab-mail = Post
tab-log = Log
tab-files = Dateien
tab-faults = Störungen
why-because = weil
why-otherwise = Hätte das nicht gegolten, wäre als Nächstes { $rule } gefragt worden.
inspector-choose-host = Auf der Karte einen Host wählen.
inspector-no-dialogue = Hier wird nichts gesprochen. Verbindungen:
inspector-octets = Oktette
inspector-dive = Hineinsehen
event-cause = Folge von Ereignis { $number }
config-unknown = kein Parameter von Postfix
config-as-default = wie der Standardwert
config-default = Standard: { $value }
files-list = Alle Dateien
files-long = Die Datei ist zu lang, um sie hier zu zeigen.
files-editor = Text von { $path }
files-save = Speichern
files-discard = Verwerfen
files-difference = Anders als am Anfang:
fault-off = Ausschalten
fault-on = Einschalten
fault-between = Weg zu
fault-all-ports = alle Ports
fault-drop = Kabel ziehen
fault-reject = abweisen
fault-unreachable = kein Weg
fault-slow = 2 s Verzögerung
fault-loss = 30 % verlieren
fault-repair = Reparieren
store-queue = Queue
store-next = nächster Versuch um { $time }
store-empty = leer
store-mailboxes = Postfächer
events-filter = Filter
events-hint = Art des Ereignisses, Host: smtp mx1
sequence-copy = Als { $format } kopieren
terminal-gone = Dieses Terminal gibt es in diesem Verlauf nicht.
terminal-interrupt = unterbrechen
help-title = Tasten
help-mouse = Ziehen verschiebt, das Rad vergrößert, ein Klick wählt, ein Doppelklick sieht hinein.
key-play = abspielen oder anhalten
key-next = nächster Schritt
key-back = Schritt zurück
key-command = nächster Befehl
key-command-back = Befehl davor
key-hop = nächste Station einer Mail
key-hop-back = Station davor
key-refusal = nächste Ablehnung
key-refusal-back = Ablehnung davor
key-bounce = nächster Bounce
key-decision = nächste Entscheidung
key-narration = nächstes Kapitel
key-faster = schneller
key-slower = langsamer
key-start = an den Anfang
key-end = ans Ende
key-fit = die ganze Karte zeigen
key-out = wieder hinaus
key-presenter = vorführen
key-black = schwarzer Bildschirm
key-laser = Laserpointer
key-language = Deutsch oder Englisch
key-theme = hell oder dunkel
key-story = Geschichte einklappen
key-inspector = Inspektor einklappen
key-events = Ereignisse
key-sequence = Sequenzdiagramm
key-mails = was mit jeder Mail geschah
key-help = diese Übersicht
program-smtpd = smtpd nimmt Post per SMTP an und entscheidet, von wem.
program-pickup = pickup holt Post ab, die auf diesem Host geschrieben wurde.
program-cleanup = cleanup ergänzt Kopfzeilen, schreibt Adressen um und legt die Mail in die Queue incoming.
program-qmgr = qmgr entscheidet, welche Mail wann von wem zugestellt wird.
program-smtp = smtp liefert an andere Hosts.
program-local = local stellt Benutzern dieses Hosts zu, mit Aliasen und .forward.
program-virtual = virtual stellt in Postfächer von Domains zu, deren Benutzer hier kein Konto haben.
program-bounce = bounce schreibt die Berichte über Unzustellbares.
program-master = master startet alle anderen Programme.
program-pipe = pipe gibt Post an einen Befehl.
program-lmtp = lmtp übergibt Post einem Postfachserver.
lab-hint = Tipp (noch { $left })

# Eine Klasse an der Tür.
class-welcome = Dies ist eine Klasse in mxlab.

class-code = Code:
class-wrong-code = Das ist nicht der Code.
class-name = Dein Name (kleine Buchstaben, Ziffern, Bindestriche):
class-bad-name = { $name }: ein Name hat bis zu 20 kleine Buchstaben, Ziffern und Bindestriche und beginnt mit einem Buchstaben.
class-taken = { $name } ist vergeben.
class-full = Die Klasse ist voll.
class-joined =
    Willkommen, { $name }. Die Domain { $domain } gehört dir, mit einem Server wie { $server } der Klasse: dieselben Benutzer
    und Passwörter. Was du an diese Adressen schickst, kommt von deinem Rechner. Derselbe Name bringt dir die Tabelle wieder.

sockets-title = Offene Sockets
sockets-close = Sockets schließen
sockets-note = Was echte Programme dort tun, erscheint hier. Die Zeit folgt der Uhr.

# Was wissen sollte, wer echte Sockets bedient.
notice-crowd = { $address } hat so viele Verbindungen, wie eine Maschine haben darf; weitere werden abgelehnt (--max-per-client).
notice-full = Alle Verbindungen, die gleichzeitig offen sein dürfen, sind es; weitere warten (--max-connections).
notice-questions = Es kommen mehr Fragen an die Nameserver, als sie beantworten können; einige werden verworfen.
notice-long-recording = Die Aufzeichnung ist fast so lang, wie eine sein darf: niemand wird mehr eingelassen. Beende mit q und beginne eine neue Sitzung.
notice-end-of-recording = Die Aufzeichnung ist so lang, wie eine sein darf: alle Verbindungen werden geschlossen. Beende mit q und beginne eine neue Sitzung.
