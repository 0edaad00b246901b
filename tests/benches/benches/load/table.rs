//! Plain tables.

/// Prints rows below a head, each column as wide as its widest cell.
pub(crate) fn print(title: &str, head: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max();
        widest.unwrap_or(0).max(head[column].chars().count())
    };
    let line = |cells: &[String]| {
        let padded = cells.iter().enumerate().map(|(column, cell)| {
            let width = width(column);
            format!("{cell:<width$}")
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let head_cells: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    println!("\n{title}\n{}", line(&head_cells));
    for row in rows {
        println!("{}", line(row));
    }
}
