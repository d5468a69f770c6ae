# Hilfe der Kommandozeile: Kommando, Argument (run--until), Wert (any--format--json).

mxlab = Ein Internet der Mail in einem Prozess: Rechner mit echten Konfigurationsdateien, DNS und SMTP

run = Ein Szenario spielen und erzählen, was geschah
gui = Das Fenster öffnen; ohne Namen zeigt es, was es zu sehen gibt
shot = Einen Augenblick zeichnen, ohne Bildschirm
film = Einen Film zeichnen, ohne Bildschirm
serve = Ein Szenario hinter echte Sockets stellen: telnet, dig und Mailprogramme können es benutzen
shell = Sich an die Rechner eines Szenarios setzen
check = Szenarien und Übungen prüfen
list = Die eingebauten Szenarien und Übungen auflisten
replay = Eine Aufzeichnung noch einmal spielen
lab = Eine Übung machen
lab-start = Eine Übung beginnen
lab-status = Die Anleitung, und wie es um jede Aufgabe steht
lab-hint = Der nächste Tipp zu einer Aufgabe
lab-answer = Eine Frage einer Aufgabe beantworten
lab-run = Befehle auf einem Rechner ausführen, und warten, bis die Mail zur Ruhe kommt
lab-undo = Das Letzte zurücknehmen
lab-reset = Von vorn beginnen
lab-submit = Alles noch einmal beurteilen, und sagen, welche Datei abzugeben ist
grade = Abgaben bewerten
lab-back = Dorthin zurückgehen, wo eine Aufgabe erledigt war
lab-catch-up = Neu beginnen mit der Arbeit der Musterlösung für die Aufgaben vor einer; sie bringen dann keine Punkte
new = Eine Übung anlegen, von der man ausgehen kann
new-lab = Eine Übung: ein Ordner mit allem, was es braucht, zum Ändern
conform = Aufnahmen des echten Postfix spielen und vergleichen
completions = Die Vervollständigung für eine Shell ausgeben

any--lang = Sprache von allem, was mxlab selbst sagt
any--lang--en = Englisch
any--lang--de = Deutsch
any--seed = Ein anderer Zufall als der des Szenarios
any--record = Eine Aufzeichnung schreiben
any--pcap = Die Pakete für Wireshark und tcpdump schreiben
any--format = Was ausgegeben wird
any--format--text = eine lesbare Geschichte
any--format--json = ein JSON-Objekt je Ereignis
any--format--mermaid = ein Sequenzdiagramm für Mermaid
any--format--plantuml = ein Sequenzdiagramm für PlantUML
any--quiet = Nur Erzählung, Ergebnisse und Zusammenfassung
any--verbose = Alles, mit jedem Schritt jeder Entscheidung und den Zeilen der Protokolle
any--events = Nur diese Arten von Ereignissen, nach den Anfängen ihrer Namen: smtp,dns.answer
any--size = Breite und Höhe in Bildpunkten
any--dark = Helle Schrift auf dunklem Grund
any--view = Was zu sehen ist: map, host:NAME, session:NUMMER, sequence oder window
any--file = Die Datei, in der deine Arbeit steht
any--student = Dein Name oder deine Nummer; danach richtet sich deine Variante
any--class = Der Schlüssel deiner Klasse
any--jobs = So viele gleichzeitig; so viele, wie es Prozessoren gibt, wenn nichts angegeben ist

run--scenario = Der Name eines eingebauten Szenarios, oder eine Datei
run--until = So lange nach dem Anfang aufhören: 90s, 2h

gui--name = Der Name eines eingebauten Szenarios, die Datei eines Szenarios oder eine Aufzeichnung; ohne: die Auswahl
gui--twin = Was zu sehen ist, auch in Worten in dieser Datei halten: für Vorleseprogramme

shot--scenario = Der Name eines eingebauten Szenarios, die Datei eines Szenarios oder eine Aufzeichnung
shot--at = So lange nach dem Anfang: 300ms, 90s, 2h; das Ende, wenn weder dies noch ein Ereignis angegeben ist
shot--event = Wenn dieses Ereignis geschehen ist, nach seiner Nummer in »mxlab run --format json«
shot--part = Wie weit der Schritt dann ist, von 0 bis 1
shot--output = Das Bild: eine Datei, die auf .png oder .svg endet

film--scenario = Der Name eines eingebauten Szenarios, die Datei eines Szenarios oder eine Aufzeichnung
film--from = So lange nach dem Anfang des Szenarios beginnen
film--to = So lange nach dem Anfang des Szenarios aufhören
film--rate = Bilder je Sekunde
film--speed = Tempo, 2 ist doppelt so schnell
film--output = Eine Datei, die auf .gif endet, oder ein Ordner für einzelne Bilder (frames/)

serve--scenario = Der Name eines eingebauten Szenarios oder einer Übung, die Datei eines Szenarios, oder die Datei, in der deine Arbeit an einer Übung steht
serve--speed = So viel schneller als die Uhr vergeht die Zeit der Welt
serve--from = Der Rechner, an dem alle Programme sitzen
serve--main = Der Server hinter den festen Ports von 127.0.0.1
serve--single_address = Nur 127.0.0.1, mit einem Port für jeden Dienst
serve--real_ports = Die eigenen Adressen der Rechner haben die Ports der Welt: 25, 53, 110 …; dafür braucht es Rechte
serve--listen = An dieser Adresse lauschen statt an Loopback: andere können sie erreichen. Mit --class nur die Ports der Klasse
serve--world_addresses = Die Rechner behalten die Adressen der Welt mit deren Ports: für einen eigenen Netzwerk-Namensraum
serve--class = Eine Klasse an Port 2500 hereinlassen: alle bekommen eine Domain, einen Server und eigene Ports
serve--code = Was man wissen muss, um hereinzukommen; sonst jedes Mal ein neuer Code
serve--gui = Das Fenster auf dieselbe Sitzung öffnen
serve--certificate = Etwas soll mit den Zertifikaten nicht stimmen, die echte Programme sehen
serve--certificate--expired = sie sind gestern abgelaufen
serve--certificate--wrong-name = sie gelten für einen anderen Namen
serve--certificate--self-signed = niemand sonst hat sie unterschrieben
serve--json = Die Tabelle der Adressen als JSON ausgeben
serve--write_hosts = Nur Zeilen für /etc/hosts ausgeben
serve--resolv = Nur ausgeben, wie ein Resolver auf den Nameserver gerichtet wird
serve--script = Auch das Drehbuch des Szenarios spielen
serve--record = Wohin die Aufzeichnung unterwegs geschrieben wird; sonst in den Ordner für Zustände
serve--no_record = Keine Aufzeichnung schreiben
serve--watch = Die Dialoge mitlesen, mit dem, was jede Zeile bedeutet
serve--coach = Wie --watch, und sagen, was erwartet wurde, wo etwas abgelehnt wird
serve--fault = Etwas schiefgehen lassen: rcpt:451, mail:421:2 (beim zweiten Mal), data:drop, quit:delay10:1:ws1
serve--max_connections = Verbindungen zur selben Zeit
serve--max_per_client = Verbindungen zur selben Zeit von einer anderen Maschine
serve--control = Ein Unix-Socket, der dieselben Zeilen nimmt wie das Terminal (p, s, f 1h, x 10)

shell--scenario = Eine Übung oder ein Szenario: der Name eines eingebauten, oder eine Datei
shell--host = An welchem Rechner; ohne: der der Übung, oder der erste mit Postfix
shell--user = Als wer; ohne: wie die Übung sagt, oder root
shell--command = Dies ausführen und gehen, statt Befehle zu lesen
shell--play = Zuerst das Drehbuch des Szenarios spielen
shell--resume = Weitermachen, wo eine Aufzeichnung endet: die vom letzten Mal, oder eine Datei

check--paths = Szenarien und Übungen: Dateien, Ordner davon, oder Namen von eingebauten
check--variants = In wie vielen Varianten die Lösung einer Übung probiert wird

replay--recording = Die Aufzeichnung
replay--scenario = Das Szenario oder die Übung, wenn es keine eingebaute ist

lab-start--lab = Name oder Nummer der Übung: t05, oder ein Ordner
lab-start--exam = Als Prüfung machen: ohne Tipps, in so vielen Minuten; wie es steht, steht erst nach »submit« da
lab-back--task = Die Aufgabe
lab-catch-up--task = Die Aufgabe, mit der es weitergeht
lab-hint--task = Die Aufgabe
lab-answer--question = Der Name der Frage
lab-answer--text = Die Antwort
lab-run--host = Der Rechner
lab-run--line = Die Befehlszeile
lab-run--user = Als wer; wie die Übung es für den Rechner vorsieht, wenn nichts angegeben ist

grade--lab = Die Übung: ein Name, eine Nummer oder ein Ordner
grade--submissions = Was abgegeben wurde: Aufzeichnungen (*.mxlab), Skripte (*.sh), Ordner mit hosts/NAME/…, oder Ordner mit alledem
grade--format = In welcher Form die Ergebnisse geschrieben werden
grade--format--text = ein Bericht, den Lernende verstehen
grade--format--json = alles, als ein JSON-Dokument
grade--format--csv = eine Zeile je Abgabe und Aufgabe
grade--format--junit = JUnit-XML, das GitLab, Jenkins, Artemis und andere lesen
grade--format--tap = Test Anything Protocol, Version 13
grade--format--gradescope = results.json von Gradescope; eine Abgabe
grade--output = Wohin; ohne: in die Standardausgabe
grade--key = Woraus die Namen in Proben entstehen; wer ihn behält, kann die Ergebnisse wiederholen
grade--student = Wessen Variante für Skripte gilt, deren Dateinamen niemanden nennen
grade--class = Die Klassenliste: eine Tabelle (CSV) mit den Spalten id und name
grade--format--check50 = was check50 mit -o json schreibt; eine Abgabe
grade--format--autolab = Autolab: der Bericht, und die Punkte in der letzten Zeile; eine Abgabe
grade--format--github-classroom = GitHub Classroom: eine Zeile für $GITHUB_OUTPUT; eine Abgabe
grade--format--vpl = Virtual Programming Lab von Moodle: Anmerkungen und Punkte; eine Abgabe
grade--format--coderunner = CodeRunner von Moodle: was ein Combinator-Template-Grader ausgibt; eine Abgabe
grade--html = Dazu eine Seite für die ganze Klasse schreiben
grade--class_key = Der Schlüssel der Klasse, wenn die Liste keine Spalte dafür hat
grade--exam = Nur werten, was als Prüfung in so vielen Minuten gemacht wurde
grade--timeout = Sekunden, die eine Abgabe brauchen darf

new-lab--name = Ihr Ordner; sein letzter Teil ist der Name der Übung, etwa b31-team-address
new-lab--title = Ihr Titel

conform--paths = Dateien mit Aufnahmen, oder Ordner davon
conform--emit = Das rohe Ergebnis jeder Aufnahme in diesen Ordner schreiben
conform--quiet = Nur ausgeben, was nicht übereinstimmt

completions--shell = Die Shell
