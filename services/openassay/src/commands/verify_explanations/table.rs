//! Scores of explanations as tables.

use super::Outcome;
use crate::terminal::{Align, Table};
use assay_explain::truth::{Order, OrderSummary, RegionSummary, ShareSummary};

pub(super) fn render(outcome: &Outcome) -> String {
    let summary = &outcome.summary;
    let mut text = format!(
        "{} spectra, {} of them of the right class by the model\n\
         {} peaks taken out: {} are lines that distinguish the class, at {} there is no line\n\n",
        summary.spectra, summary.right, summary.peaks, summary.distinguishing, summary.unmatched
    );
    text += &orders(&summary.orders, summary.spectra);
    text += "\nAUROC, AP: distinguishing peaks before others; deletion: mean logit and probability \
             of the class\nwhile peaks go in this order (low is good); insertion: while they come \
             back (high is good)\n";
    if let Some(map) = &summary.regions {
        text += "\n";
        text += &regions(map, summary.spectra);
    }
    text += "\n";
    text + &classes(outcome)
}

fn orders(orders: &[OrderSummary], spectra: usize) -> String {
    let mut table = Table::new([
        ("peaks in order of", Align::Left),
        ("AUROC", Align::Right),
        ("AP", Align::Right),
        ("deletion: logit", Align::Right),
        ("prob.", Align::Right),
        ("beats random", Align::Right),
        ("insertion: logit", Align::Right),
        ("prob.", Align::Right),
        ("beats random", Align::Right),
    ]);
    for order in orders {
        let beats = |count: usize| match order.order {
            Order::Random => String::new(),
            _ => format!("{count} of {spectra}"),
        };
        table.row([
            name(order.order).to_owned(),
            shown(order.auroc),
            shown(order.average_precision),
            shown(order.deletion_logit),
            shown(order.deletion_probability),
            beats(order.deletion_beats_random),
            shown(order.insertion_logit),
            shown(order.insertion_probability),
            beats(order.insertion_beats_random),
        ]);
    }
    table.render()
}

const fn name(order: Order) -> &'static str {
    match order {
        Order::Evidence => "evidence",
        Order::Occlusion => "occlusion",
        Order::Area => "net area",
        Order::Random => "chance",
    }
}

fn regions(map: &RegionSummary, spectra: usize) -> String {
    let mut table = Table::new([
        ("positive importance in cells", Align::Left),
        ("class activation map", Align::Right),
        ("occlusion", Align::Right),
        ("chance", Align::Right),
        ("map beats chance", Align::Right),
    ]);
    let mut row = |name: &str, shares: &ShareSummary| {
        table.row([
            name.to_owned(),
            shown(shares.map),
            shown(shares.occlusion),
            shown(shares.expected),
            format!("{} of {spectra}", shares.map_beats_random),
        ]);
    };
    row("that hold a distinguishing line", &map.holding);
    row("ruled by distinguishing lines", &map.ruled);
    format!(
        "{}{} cells of {:.0} keV\n",
        table.render(),
        map.cells,
        map.cell_width_kev
    )
}

fn classes(outcome: &Outcome) -> String {
    let mut table = Table::new([
        ("class", Align::Left),
        ("right", Align::Right),
        ("peaks", Align::Right),
        ("true", Align::Right),
        ("AUROC", Align::Right),
        ("occlusion", Align::Right),
        ("area", Align::Right),
        ("map", Align::Right),
        ("chance", Align::Right),
        ("distinguished by", Align::Left),
    ]);
    for class in &outcome.classes {
        let summary = &class.summary;
        let auroc = |order: Order| {
            let found = summary.orders.iter().find(|o| o.order == order);
            shown(found.and_then(|o| o.auroc))
        };
        let ruled = summary.regions.as_ref().map(|r| r.ruled);
        table.row([
            class.class.to_string(),
            format!("{} of {}", summary.right, summary.spectra),
            summary.peaks.to_string(),
            summary.distinguishing.to_string(),
            auroc(Order::Evidence),
            auroc(Order::Occlusion),
            auroc(Order::Area),
            shown(ruled.and_then(|r| r.map)),
            shown(ruled.and_then(|r| r.expected)),
            class.elements.join(" "),
        ]);
    }
    let text = table.render();
    text + "AUROC by evidence, occlusion and area; map and chance: in cells ruled by such lines\n"
}

fn shown(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.3}"))
}
