//! A class: whose file it is, what looks copied, and the page for the teacher.

use std::fs;

use mxlab::grade::class::Class;
use mxlab::grade::report::{Format, html, write};
use mxlab::grade::similar::{Suspicion, suspicions};
use mxlab::grade::submission::{Remark, Rules};
use mxlab::session::story::Lang;

use super::*;

fn class() -> Class {
    Class::parse("id,name\nann,Ann Miller\nben,Ben Smith\ncai,Cai Li\n", "7b").expect("a list")
}

#[test]
fn a_neighbours_recording_is_played_in_the_own_variant_and_its_owner_named() {
    let (lab, class) = (first_mail(), class());
    let rules = Rules { class: Some(&class), ..rules() };
    let text = solved(&lab, "ann").recording().to_text();
    let own = graded_as(&lab, "in/Ann Miller_1_assignsubmission_file_/lab.mxlab", &text, &rules);
    assert_eq!((earned(&own), own.person.as_str(), own.remarks.as_slice()), (full(&lab), "Ann Miller", [].as_slice()));
    let copied = graded_as(&lab, "in/Ben Smith_2_assignsubmission_file_/lab.mxlab", &text, &rules);
    assert_eq!(copied.student.id, "ben");
    assert!(earned(&copied) < full(&lab) / 2, "{}", earned(&copied));
    assert_eq!(copied.remarks.first(), Some(&Remark::Foreign { owner: "ann (Ann Miller)".into() }));
    let found = suspicions(&lab, &[own, copied], Some(&class));
    let (by, owner) = ("ben (Ben Smith)".to_owned(), "ann (Ann Miller)".to_owned());
    assert!(found.contains(&Suspicion::ForeignRecording { by, owner }), "{found:?}");
}

#[test]
fn an_id_that_is_not_in_the_class_is_told() {
    let (lab, class) = (first_mail(), class());
    let rules = Rules { class: Some(&class), ..rules() };
    let graded = graded_as(&lab, "in/1.mxlab", &solved(&lab, "zoe").recording().to_text(), &rules);
    assert!(graded.remarks.contains(&Remark::Stranger("zoe".into())), "{:?}", graded.remarks);
}

#[test]
fn a_pasted_dialogue_of_a_neighbour_is_known_by_the_word_that_only_the_neighbour_has() {
    let (lab, class) = (first_mail(), class());
    let word = lab.values(&student("cai"))["word"].clone();
    let mut session = begun(&lab, "ben");
    let me = lab.values(&student("ben"))["me"].clone();
    session.run_to_rest("laptop", &me, &format!("echo 'The word is {word}.'")).expect("it ends");
    let rules = Rules { class: Some(&class), ..rules() };
    let graded = graded_as(&lab, "ben.mxlab", &session.recording().to_text(), &rules);
    // The owner has handed in nothing yet.
    let found = suspicions(&lab, &[graded], Some(&class));
    let expected = Suspicion::ForeignWord { by: "ben (Ben Smith)".into(), owner: "cai (Cai Li)".into(), word };
    assert_eq!(found, [expected]);
}

#[test]
fn a_queue_id_that_is_right_for_a_neighbour_only_names_the_neighbour() {
    let lab = first_mail();
    let ann = solved(&lab, "ann");
    let copied = ann.replies()["queue-id"].last().cloned().expect("an answer");
    // First the neighbour's, then the own.
    let mut ben = begun(&lab, "ben");
    ben.apply(Input::Reply { question: "queue-id".into(), text: copied }).expect("a question");
    let solution = ben.lab().expect("a lab").solution.clone();
    ben.play(&solution).expect("a solution");
    let results = [&ann, &ben].map(|session| graded(&lab, &session.recording().to_text()));
    let found = suspicions(&lab, &results, None);
    assert!(
        found
            .iter()
            .any(|one| matches!(one, Suspicion::ForeignAnswer { by, owner, .. } if by == "ben" && owner == "ann")),
        "{found:?} {:?}",
        results.map(|graded| graded.work)
    );
}

#[test]
fn honest_solutions_of_a_class_raise_no_suspicion() {
    let lab = first_mail();
    let results: Vec<_> =
        ["ann", "ben", "cai"].map(|id| graded(&lab, &solved(&lab, id).recording().to_text())).into_iter().collect();
    assert_eq!(suspicions(&lab, &results, None), []);
}

#[test]
fn the_page_of_a_class_shows_everybody_and_holds_all_it_needs() {
    let (lab, class) = (first_mail(), class());
    let rules = Rules { class: Some(&class), ..rules() };
    let mut results = vec![graded_as(&lab, "ann.mxlab", &solved(&lab, "ann").recording().to_text(), &rules)];
    results.push(graded_as(&lab, "<script>alert(1)</script>.mxlab", "nothing", &rules));
    let mut grading = grading(&lab, results);
    grading.missing = class.members[1..].to_vec();
    grading.suspicions = suspicions(&lab, &grading.results, Some(&class));
    for lang in [Lang::En, Lang::De] {
        let page = html::page(&grading, lang);
        for wanted in ["Ann Miller", "Cai Li", "20 / 20", KEY, "prefers-color-scheme: dark", "@media print"] {
            assert!(page.contains(wanted), "{wanted}");
        }
        for outside in ["http:", "https:", "src=", "href=", "<script", "url(", "@import"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert_eq!(page, html::page(&grading, lang));
    }
    let text = write(&grading, Format::Text, Lang::En);
    assert!(text.contains("Handed nothing in:\n  ben (Ben Smith)\n  cai (Cai Li)\n"), "{text}");
}

#[test]
fn scripts_are_played_in_the_variant_of_whoever_handed_them_in() {
    let (lab, class) = (first_mail(), class());
    let values = lab.values(&student("ann"));
    let template = fs::read_to_string("labs/t05-telnet-first-mail/solution.sh").expect("a script");
    let script = mxlab::lab::variation::fill(&template, &values).expect("all names");
    let by_class = Rules { class: Some(&class), ..rules() };
    assert_eq!(earned(&graded_as(&lab, "in/ann.sh", &script, &by_class)), full(&lab));
    assert!(earned(&graded_as(&lab, "in/ben.sh", &script, &by_class)) < full(&lab));
    let by_name = Rules { student: student("ann"), ..rules() };
    assert_eq!(earned(&graded_as(&lab, "solution.sh", &script, &by_name)), full(&lab));
}
