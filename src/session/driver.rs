//! A session: the one driver of a world that every shell goes through.

use std::sync::Arc;

use super::exam::{Exam, Stopped};
use super::input::{Input, InputError};
use super::permission;
use super::recording::{ENGINE, Entry, FORMAT, Header, LabHeader, Recording};
use super::terminal::Terminals;
use crate::host::Exit;
use crate::lab::Instance;
use crate::scenario::script::Script;
use crate::scenario::{BuildError, Scenario};
use crate::sim::outside::{OutsideId, Outward};
use crate::sim::tap::Packet;
use crate::sim::{Duration, HostId, ProcId, Time};
use crate::trace::Level;
use crate::world::{Allowance, World};

/// Events between two checkpoints at first.
const CHECKPOINT_EVERY: u64 = 4096;
/// With more checkpoints than these, every second one goes, and the next ones keep more distance.
const MAX_CHECKPOINTS: usize = 64;
/// A copy of a world with many processes is made only after so many events for each of them: so the
/// copies never take more than a fraction of what the events take.
const EVENTS_PER_PROCESS: u64 = 16;
/// Longest stretch that a session runs for by itself when a script does not end.
const LONGEST_RUN: Duration = Duration::from_secs(366 * 86_400);

/// A world with its script at one moment.
#[derive(Clone, Debug)]
struct State {
    world: World,
    script: Script,
    /// Number of inputs applied so far.
    inputs: usize,
    terminals: Terminals,
    /// The scenario with the hosts that joined.
    cast: Arc<Scenario>,
}

impl State {
    fn advance(&mut self, until: Time) {
        self.script.advance(&mut self.world, until, false);
    }

    fn apply(&mut self, input: &Input) -> Result<Option<(HostId, ProcId)>, InputError> {
        let started = input.apply(&mut self.world, &mut self.terminals, &mut self.cast)?;
        self.inputs += 1;
        Ok(started)
    }
}

/// A branch that was left by going back: its inputs, with the moment of parting.
#[derive(Clone, Debug)]
pub struct Branch {
    /// When the other way was taken.
    pub left_at: Time,
    /// The recording as it was then.
    pub recording: Recording,
}

/// A running scenario with everything that was done to it. A clone is an independent session.
#[derive(Clone, Debug)]
pub struct Session {
    scenario: Arc<Scenario>,
    lab: Option<Arc<Instance>>,
    state: State,
    /// Number of events until the script began.
    set_up: u64,
    recording: Recording,
    checkpoints: Vec<State>,
    /// Events between two checkpoints.
    distance: u64,
    branches: Vec<Branch>,
}

impl Session {
    /// Builds a scenario's world; seed and level may be other ones than the file's.
    ///
    /// # Errors
    /// The world cannot be built.
    pub fn new(scenario: Arc<Scenario>, seed: Option<u64>, level: Option<Level>) -> Result<Session, BuildError> {
        let (seed, level) = (seed.unwrap_or(scenario.seed), level.unwrap_or(scenario.level));
        Session::start(scenario, None, seed, level)
    }

    /// Begins a lab in a student's variant. What the lab does not permit is refused.
    ///
    /// # Errors
    /// The world cannot be built.
    pub fn for_lab(lab: Arc<Instance>) -> Result<Session, BuildError> {
        let (seed, level) = (lab.seed, lab.scenario.level);
        Session::start(lab.scenario.clone(), Some(lab), seed, level)
    }

    fn start(
        scenario: Arc<Scenario>,
        lab: Option<Arc<Instance>>,
        seed: u64,
        level: Level,
    ) -> Result<Session, BuildError> {
        let world = scenario.build(seed, level)?;
        let header = Header {
            format: FORMAT,
            engine: ENGINE.into(),
            scenario: scenario.name.clone(),
            scenario_digest: scenario.digest.clone(),
            seed,
            level,
            script: true,
            lab: lab.as_deref().map(|lab| LabHeader {
                name: lab.name.clone(),
                digest: lab.digest.clone(),
                student: lab.student.clone(),
                exam: None,
            }),
        };
        let set_up = world.trace().len();
        let script = Script::new(scenario.clone());
        let state = State { world, script, inputs: 0, terminals: Terminals::default(), cast: scenario.clone() };
        let recording = Recording { header, entries: Vec::new() };
        let checkpoints = vec![state.clone()];
        let distance = CHECKPOINT_EVERY;
        Ok(Session { scenario, lab, checkpoints, distance, state, set_up, recording, branches: Vec::new() })
    }

    /// The same without the scenario's script: nothing happens but by inputs.
    #[must_use]
    pub fn without_script(mut self) -> Session {
        let mut scenario = (*self.scenario).clone();
        scenario.script.clear();
        self.scenario = Arc::new(scenario);
        self.recording.header.script = false;
        self.state.script = Script::new(self.scenario.clone());
        self.checkpoints = vec![self.state.clone()];
        self
    }

    /// From now on what the world has for real sockets is kept for [`Session::take_outside`].
    pub fn watch_outside(&mut self) {
        self.state.world.watch_outside();
    }

    /// Collects packets from now on, for [`Session::take_packets`].
    pub fn tap(&mut self) {
        self.state.world.tap();
    }

    /// Takes the packets that arrived since the last time, in order.
    pub fn take_packets(&mut self) -> Vec<Packet> {
        self.state.world.take_packets()
    }

    /// Takes what the world has for real sockets, in order.
    pub fn take_outside(&mut self) -> Vec<(OutsideId, Outward)> {
        self.state.world.take_outside()
    }

    /// The lab that is being done, if it is one.
    pub fn lab(&self) -> Option<&Arc<Instance>> {
        self.lab.as_ref()
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The scenario with all hosts and zones that joined so far: host numbers of the world are
    /// places in its list.
    pub fn cast(&self) -> &Scenario {
        &self.state.cast
    }

    pub(super) fn set_exam(&mut self, exam: Exam) {
        if let Some(lab) = &mut self.recording.header.lab {
            lab.exam = Some(exam);
        }
    }

    /// Limits what may happen from now on.
    pub fn limit(&mut self, allowance: Allowance) {
        self.state.world.limit(allowance);
    }

    /// Takes the lab's permissions away from a copy that only looks.
    pub(super) fn allow_everything(&mut self) {
        self.lab = None;
    }

    /// How a command ended; it is forgotten then.
    pub(super) fn exited(&mut self, host: HostId, proc: ProcId) -> Option<Exit> {
        self.state.world.exited(host, proc)
    }

    /// The world now.
    pub fn world(&self) -> &World {
        &self.state.world
    }

    /// The terminals that were opened.
    pub fn terminals(&self) -> &Terminals {
        &self.state.terminals
    }

    /// What was done so far.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// Ways that were left by [`Session::rewind`].
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }

    /// Whether the scenario's script is at its end.
    pub fn is_script_done(&self) -> bool {
        self.state.script.is_done()
    }

    /// Number of events that belong to setting up the hosts, before the script begins.
    pub fn set_up_events(&self) -> u64 {
        self.set_up
    }

    /// The world as it was when the script began.
    pub fn beginning(&self) -> &World {
        self.checkpoints.first().map_or(&self.state.world, |state| &state.world)
    }

    /// Number of expectations of the script that were not met so far.
    pub fn failed_expectations(&self) -> u64 {
        self.state.script.failed()
    }

    /// Lets time pass, with the steps of the script that are due. It is not recorded by itself:
    /// inputs carry their moments.
    pub fn advance(&mut self, until: Time) {
        self.state.advance(until);
        let world = &self.state.world;
        let last = self.checkpoints.last().map_or(0, |state| state.world.trace().len());
        if world.trace().len() >= last + self.distance
            && world.trace().len() >= last + world.process_count() as u64 * EVENTS_PER_PROCESS
        {
            self.checkpoints.push(self.state.clone());
        }
        if self.checkpoints.len() > MAX_CHECKPOINTS {
            let mut index = 0;
            self.checkpoints.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.distance *= 2;
        }
    }

    /// Lets time pass until the script is done, at most up to `limit`.
    pub fn run_script(&mut self, limit: Option<Time>) {
        let limit = limit.unwrap_or(self.state.world.now() + LONGEST_RUN);
        let State { world, script, .. } = &mut self.state;
        script.advance(world, limit, true);
    }

    /// Does something now; the process id of a command is returned.
    ///
    /// # Errors
    /// The input names what does not exist. It is not recorded then.
    pub fn apply(&mut self, input: Input) -> Result<Option<(HostId, ProcId)>, InputError> {
        if let Some(lab) = &self.lab {
            permission::check(&lab.lab, &input)?;
            self.check_exam(&input)?;
        }
        self.finish_moment();
        let (events, octets) = (Some(self.state.world.trace().len()), Some(self.state.world.octets()));
        let started = self.state.apply(&input)?;
        let (seq, time) = (self.state.inputs as u64, self.state.world.now());
        self.recording.entries.push(Entry::Input { seq, time, events, octets, input });
        Ok(started)
    }

    /// Runs what is still due at the present moment: a replay does so before each line, too.
    pub(super) fn finish_moment(&mut self) {
        let now = self.state.world.now();
        self.state.advance(now);
    }

    /// Writes a digest of the present world into the recording.
    pub fn note_digest(&mut self) {
        self.finish_moment();
        let world = &self.state.world;
        let entry = Entry::Digest { time: world.now(), events: world.trace().len(), digest: world.digest() };
        self.recording.entries.push(entry);
    }

    /// The world as it was at a moment. Later than now gives the world now.
    pub fn at(&self, time: Time) -> World {
        self.state_at(time).world
    }

    /// The packets that arrived after one moment and until another, as they were on the wire.
    pub fn packets(&self, after: Time, until: Time) -> Vec<Packet> {
        let mut state = self.state_at(after);
        state.world.tap();
        self.go_on(&mut state, until);
        state.world.take_packets()
    }

    fn state_at(&self, time: Time) -> State {
        let time = time.min(self.state.world.now());
        let nearest = self.checkpoints.iter().rev().find(|state| state.world.now() <= time);
        let Some(mut state) = nearest.or(self.checkpoints.first()).cloned() else { return self.state.clone() };
        self.go_on(&mut state, time);
        state
    }

    /// Goes on from a state of the past to a moment, with what was done until then.
    fn go_on(&self, state: &mut State, time: Time) {
        let inputs = self.recording.inputs().skip(state.inputs).take_while(|(moment, _)| *moment <= time);
        for (moment, input) in inputs {
            state.advance(moment);
            // It was possible before, so it is possible now.
            let _ = state.apply(input);
        }
        if time > state.world.now() {
            state.advance(time);
        }
    }

    /// Goes back to an earlier moment, to go on differently. What was done since is kept as a
    /// branch.
    pub fn rewind(&mut self, time: Time) {
        // What was handed in stays as it is.
        if self.exam().is_some_and(|standing| standing.stopped != Stopped::NotYet) {
            return;
        }
        let state = self.state_at(time);
        let left = self.recording.clone();
        self.branches.push(Branch { left_at: state.world.now(), recording: left });
        let keep = state.inputs;
        let now = state.world.now();
        let mut seen = 0;
        self.recording.entries.retain(|entry| match entry {
            Entry::Input { .. } => {
                seen += 1;
                seen <= keep
            }
            Entry::Digest { time, .. } => *time <= now && seen <= keep,
            Entry::End { .. } => false,
        });
        self.checkpoints.retain(|checkpoint| checkpoint.world.now() <= now && checkpoint.inputs <= keep);
        self.state = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Sources;

    const SCENARIO: &str = r#"(
  title: (en: "a", de: "b"), summary: (en: "", de: ""),
  hosts: [(name: "ws1", addresses: ["192.0.2.1"])],
  script: [Narrate(en: "one", de: "eins"), Wait("10s"), Narrate(en: "two", de: "zwei")],
)"#;

    fn session() -> Session {
        let sources = Sources { name: "x".into(), file: "x.ron".into(), text: SCENARIO.into(), ..Sources::default() };
        let scenario = Scenario::load(&sources).unwrap();
        Session::new(Arc::new(scenario), None, None).unwrap()
    }

    fn write(text: &str) -> Input {
        Input::Write { host: "ws1".into(), path: "/tmp/x".into(), text: text.into() }
    }

    fn content(world: &World) -> Option<String> {
        let host = world.find("ws1")?;
        world.host(host).vfs.read_text("/tmp/x", &crate::host::vfs::Cred::ROOT).ok()
    }

    #[test]
    fn replay_reproduces_trace_and_digest() {
        let mut session = session();
        let start = session.world().now();
        session.advance(start + Duration::from_secs(5));
        session.apply(write("a")).unwrap();
        session.advance(start + Duration::from_secs(20));
        session.apply(Input::Power { host: "ws1".into(), up: false }).unwrap();
        session.note_digest();
        let recording = Recording::parse(&session.recording().to_text()).unwrap();
        let (again, drift) = Session::replay(Arc::new(session.scenario().clone()), &recording).unwrap();
        assert_eq!(drift, []);
        assert_eq!(again.world().digest(), session.world().digest());
        assert_eq!(again.recording(), session.recording());
    }

    #[test]
    fn a_replay_that_comes_out_differently_is_told() {
        let mut session = session();
        session.note_digest();
        let mut recording = session.recording().clone();
        if let Some(Entry::Digest { digest, .. }) = recording.entries.first_mut() {
            digest.push('x');
        }
        let (_, drift) = Session::replay(Arc::new(session.scenario().clone()), &recording).unwrap();
        assert_eq!(drift.len(), 1);
        assert!(drift[0].comparable);
    }

    #[test]
    fn the_past_can_be_looked_at_and_left_another_way() {
        let mut session = session();
        let start = session.world().now();
        for (at, text) in [(5, "a"), (6, "b")] {
            session.advance(start + Duration::from_secs(at));
            session.apply(write(text)).unwrap();
        }
        let before = session.at(start + Duration::from_secs(5));
        assert_eq!(content(&before).as_deref(), Some("a"));
        assert_eq!(content(session.world()).as_deref(), Some("b"));
        session.rewind(start + Duration::from_secs(5));
        session.apply(write("c")).unwrap();
        assert_eq!(content(session.world()).as_deref(), Some("c"));
        assert_eq!(session.recording().inputs().count(), 2);
        assert_eq!(session.branches()[0].recording.inputs().count(), 2);
    }

    #[test]
    fn a_fork_goes_its_own_way() {
        let session = session();
        let mut fork = session.clone();
        fork.apply(write("x")).unwrap();
        assert_eq!(content(session.world()), None);
        assert_eq!(content(fork.world()).as_deref(), Some("x"));
    }

    #[test]
    fn inputs_that_do_not_fit_are_refused_and_not_recorded() {
        let mut session = session();
        let unknown = Input::Power { host: "nobody".into(), up: false };
        assert_eq!(session.apply(unknown), Err(InputError::UnknownHost("nobody".into())));
        assert_eq!(session.recording().entries.len(), 0);
    }
}
