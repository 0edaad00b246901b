//! Values that are known without a program: additive games, a game of two players that only
//! count together, and all permutations of the tree for small games.

use super::*;
use crate::{SegmentPartition, Span};
use assay_core::{Classified, ErrorKind};
use proptest::prelude::*;

fn segments(count: usize) -> SegmentPartition {
    SegmentPartition::even(count, count).unwrap()
}

fn settings(max_evals: usize) -> OwenSettings {
    OwenSettings {
        max_evals,
        ..OwenSettings::default()
    }
}

/// Bit `i` is player `i`.
fn bits(present: &[Span]) -> usize {
    present
        .iter()
        .flat_map(|span| span.start..span.end)
        .fold(0, |bits, player| bits | 1 << player)
}

/// A game from a table over all sets of players, one output per table.
fn table(tables: &[Vec<f64>]) -> impl Fn(&[Query<Span>]) -> Result<Array2<f64>, ShapError> + '_ {
    |queries| {
        let shape = (queries.len(), tables.len());
        Ok(Array2::from_shape_fn(shape, |(row, output)| {
            tables[output][bits(&queries[row].present)]
        }))
    }
}

fn solve(count: usize, tables: &[Vec<f64>], max_evals: usize) -> Attribution {
    let partition = segments(count);
    let mut game = table(tables);
    let mut owen = Owen::start(&partition, &mut game, settings(max_evals)).unwrap();
    let mut watch = |_: &Owen<Span>| ControlFlow::Continue(());
    owen.run(&partition, &mut game, &mut watch).unwrap();
    owen.finish(&partition).unwrap()
}

/// The definition: the mean over all orders in which the tree keeps blocks together.
fn by_orders(partition: &SegmentPartition, table: &[f64]) -> Vec<f64> {
    fn orders(partition: &SegmentPartition, block: Span) -> Vec<Vec<usize>> {
        let Some((left, right)) = partition.split(&block) else {
            return vec![vec![block.start]];
        };
        let (left, right) = (orders(partition, left), orders(partition, right));
        let pairs = left.iter().flat_map(|l| right.iter().map(move |r| (l, r)));
        pairs
            .flat_map(|(l, r)| [[&l[..], r].concat(), [&r[..], l].concat()])
            .collect()
    }
    let orders = orders(partition, partition.whole());
    let mut values = vec![0.0; partition.segments()];
    for order in &orders {
        let mut present = 0;
        for player in order {
            let with = present | 1 << player;
            values[*player] += (table[with] - table[present]) / orders.len() as f64;
            present = with;
        }
    }
    values
}

#[test]
fn an_additive_game_gives_each_player_its_own() {
    let weights = [3.0, -1.0, 0.0, 0.25, 8.0];
    let sum = |set: usize| {
        (0..5)
            .filter(|p| set >> p & 1 == 1)
            .map(|p| weights[p])
            .sum()
    };
    let result = solve(5, &[(0..32).map(sum).collect()], 1000);
    for (value, weight) in result.values.column(0).iter().zip(weights) {
        assert!((value - weight).abs() < 1e-12);
    }
}

#[test]
fn two_that_only_count_together_share() {
    let both = vec![0.0, 0.0, 0.0, 1.0];
    assert_eq!(solve(2, &[both], 4).values.column(0).to_vec(), [0.5, 0.5]);
}

#[test]
fn a_spent_budget_leaves_the_change_on_the_block() {
    // Four players; only the split into halves is paid for.
    let table: Vec<f64> = (0..16_u32)
        .map(|set| f64::from((set & 3) + 4 * (set >> 2 & 1)))
        .collect();
    let result = solve(4, &[table], 4);
    assert_eq!(result.values.column(0).to_vec(), [1.5, 1.5, 2.0, 2.0]);
    assert_eq!(result.rows, 4);
}

#[test]
fn rows_are_counted_as_in_the_reference() {
    let table: Vec<f64> = (0..256_u32).map(|set| f64::from(set * set % 97)).collect();
    // Eight players have 1 + 4 + 16 splits in all contexts, and 2 + 2 · 21 rows exhaust them.
    for (budget, rows) in [(4, 4), (5, 6), (16, 16), (17, 18), (44, 44), (50, 44)] {
        assert_eq!(solve(8, std::slice::from_ref(&table), budget).rows, rows);
    }
}

#[test]
fn a_budget_without_a_split_is_refused() {
    let zeros = [vec![0.0; 8]];
    let mut game = table(&zeros);
    let error = Owen::start(&segments(3), &mut game, settings(3)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("at least 4 rows"), "{error}");
    assert_eq!(solve(1, &[vec![1.0, 3.0]], 2).values[(0, 0)], 2.0);
}

#[test]
fn outputs_are_chosen_by_the_shown_row() {
    let rising = |factor: f64| (0..4).map(|set| factor * f64::from(set)).collect();
    let tables: [Vec<f64>; 3] = [rising(1.0), rising(-1.0), rising(2.0)];
    let mut game = table(&tables);
    let mut choose = |outputs| {
        let settings = OwenSettings {
            outputs,
            ..settings(4)
        };
        Owen::start(&segments(2), &mut game, settings).map(|owen| owen.outputs().to_vec())
    };
    assert_eq!(choose(Outputs::All).unwrap(), [0, 1, 2]);
    assert_eq!(choose(Outputs::Highest(2)).unwrap(), [2, 0]);
    assert_eq!(choose(Outputs::Chosen(vec![1])).unwrap(), [1]);
    assert!(choose(Outputs::Highest(4)).is_err());
    assert!(choose(Outputs::Highest(0)).is_err());
    assert!(choose(Outputs::Chosen(vec![3])).is_err());
    assert!(choose(Outputs::Chosen(vec![])).is_err());
}

#[test]
fn coalitions_are_canonical_and_lie_between_known_ones() {
    let partition = segments(8);
    let values: Vec<f64> = (0..256_u32).map(|set| f64::from(set * 31 % 101)).collect();
    let tables = [values];
    let inner = table(&tables);
    let mut known: Vec<Vec<Span>> = Vec::new();
    let mut game = |queries: &[Query<Span>]| {
        for query in queries {
            let touching = query.present.windows(2).any(|w| {
                w[0].end == w[1].start
                    && w[0].len() == w[1].len()
                    && w[0].start % (2 * w[0].len()) == 0
            });
            assert!(!touching, "{:?}", query.present);
            if let Some((below, above)) = &query.between {
                assert!(known.contains(below) && known.contains(above));
                let (low, at, high) = (bits(below), bits(&query.present), bits(above));
                assert!(low & !at == 0 && at & !high == 0 && low != at && at != high);
            }
            assert!(!known.contains(&query.present), "asked twice");
        }
        known.extend(queries.iter().map(|query| query.present.clone()));
        inner(queries)
    };
    let mut owen = Owen::start(&partition, &mut game, settings(200)).unwrap();
    let mut watch = |_: &Owen<Span>| ControlFlow::Continue(());
    owen.run(&partition, &mut game, &mut watch).unwrap();
}

#[test]
fn a_stored_state_is_taken_up_to_the_bit() {
    let partition = segments(9);
    let values: Vec<f64> = (0..512).map(|set| f64::from(set).sin() / 3.0).collect();
    let tables = [values.clone(), values.iter().map(|v| v * v).collect()];
    let straight = solve(9, &tables, 90);
    let mut game = table(&tables);
    let mut owen = Owen::start(&partition, &mut game, settings(90)).unwrap();
    while !owen.progress().finished {
        let text = serde_json::to_string(&owen).unwrap();
        owen = serde_json::from_str(&text).unwrap();
        owen.step(&partition, &mut game).unwrap();
    }
    assert_eq!(owen.finish(&partition).unwrap(), straight);
}

#[test]
fn a_failed_batch_can_be_asked_for_again() {
    let partition = segments(9);
    let values: Vec<f64> = (0..512).map(|set| f64::from(set).cos()).collect();
    let tables = [values];
    let straight = solve(9, &tables, 70);
    let inner = table(&tables);
    let mut calls = 0;
    let mut game = |queries: &[Query<Span>]| {
        calls += 1;
        if calls % 2 == 0 {
            return Err(ShapError::setting(
                "game",
                "down",
                "fails every second time",
            ));
        }
        inner(queries)
    };
    let mut owen = Owen::start(&partition, &mut game, settings(70)).unwrap();
    let mut failures = 0;
    while !owen.progress().finished {
        failures += u32::from(owen.step(&partition, &mut game).is_err());
    }
    assert!(failures > 3);
    assert_eq!(owen.finish(&partition).unwrap(), straight);
}

#[test]
fn a_watcher_can_break_off() {
    let partition = segments(9);
    let tables = [(0..512).map(f64::from).collect::<Vec<_>>()];
    let mut game = table(&tables);
    let mut owen = Owen::start(&partition, &mut game, settings(70)).unwrap();
    let mut watch = |owen: &Owen<Span>| match owen.progress().rows {
        0..20 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    let error = owen.run(&partition, &mut game, &mut watch).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let error = owen.finish(&partition).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
}

#[test]
fn another_partition_and_damaged_states_are_refused() {
    let partition = segments(4);
    let tables = [(0..16).map(f64::from).collect::<Vec<_>>()];
    let mut game = table(&tables);
    let mut owen = Owen::start(&partition, &mut game, settings(8)).unwrap();
    let error = owen.step(&segments(5), &mut game).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DataLoss);
    owen.step(&partition, &mut game).unwrap();
    let text = serde_json::to_string(&owen).unwrap();
    for (from, to) in [
        ("\"children\":[1,2]", "\"children\":[1,7]"),
        ("\"children\":[1,2]", "\"children\":[0,2]"),
        ("\"model_outputs\":1", "\"model_outputs\":0"),
        ("\"credit\":[0.0]", "\"credit\":[0.0,0.0]"),
        ("\"lower\":[1]", "\"lower\":[9]"),
        ("\"batch_rows\":10", "\"batch_rows\":0"),
    ] {
        let damaged = text.replacen(from, to, 1);
        assert_ne!(damaged, text, "{from} is in {text}");
        let read: Result<Owen<Span>, _> = serde_json::from_str(&damaged);
        assert!(read.is_err(), "{to}");
    }
    // A block that is well formed but not of this partition.
    let moved = text.replacen("{\"start\":2,\"end\":4}", "{\"start\":2,\"end\":99}", 1);
    assert_ne!(moved, text);
    let mut moved: Owen<Span> = serde_json::from_str(&moved).unwrap();
    assert!(moved.step(&partition, &mut game).is_err());
    assert!(moved.finish(&partition).is_err());
}

#[test]
fn what_is_not_finite_is_refused() {
    let tables = [vec![0.0, f64::NAN, 1.0, 2.0]];
    let mut game = table(&tables);
    let mut owen = Owen::start(&segments(2), &mut game, settings(4)).unwrap();
    assert!(owen.step(&segments(2), &mut game).is_err());
}

#[test]
fn values_that_do_not_add_up_are_refused() {
    let mut result = solve(2, &[vec![0.0, 1.0, 2.0, 4.0]], 4);
    result.check_additivity().unwrap();
    result.values[(0, 0)] += 1e-6;
    assert_eq!(
        result.check_additivity().unwrap_err().kind(),
        ErrorKind::Internal
    );
    result.values[(0, 0)] = f64::NAN;
    assert!(result.check_additivity().is_err());
}

proptest! {
    #[test]
    fn a_full_budget_gives_the_mean_over_all_orders(
        values in prop::collection::vec(-5.0_f64..5.0, 64),
        count in 1_usize..=6,
    ) {
        let partition = segments(count);
        let result = solve(count, std::slice::from_ref(&values), 100_000);
        // The empty set and all sets beyond the last player are never looked at.
        for (value, expected) in result.values.column(0).iter().zip(by_orders(&partition, &values)) {
            prop_assert!((value - expected).abs() < 1e-9, "{value} {expected}");
        }
    }

    #[test]
    fn any_budget_adds_up(
        values in prop::collection::vec(-5.0_f64..5.0, 256),
        max_evals in 4_usize..200,
        batch_rows in 1_usize..30,
    ) {
        let partition = segments(8);
        let tables = [values];
        let mut game = table(&tables);
        let settings = OwenSettings { batch_rows, ..settings(max_evals) };
        let mut owen = Owen::start(&partition, &mut game, settings).unwrap();
        while !owen.step(&partition, &mut game).unwrap().finished {}
        prop_assert!(owen.finish(&partition).is_ok());
        prop_assert!(owen.progress().rows <= max_evals + 1);
    }
}
