//! temp
use notify::*;
fn main() {
    let (tx, rx) = crossbeam_channel::unbounded();
    let mut w = notify::recommended_watcher(move |e: Result<Event>| {
        let _ = tx.send((std::time::Instant::now(), e));
    })
    .unwrap();
    w.watch(std::path::Path::new(&std::env::args().nth(1).unwrap()), RecursiveMode::Recursive).unwrap();
    let mut last = std::time::Instant::now();
    while let Ok((t, e)) = rx.recv_timeout(std::time::Duration::from_secs(4)) {
        let e = e.unwrap();
        if matches!(e.kind, EventKind::Access(event::AccessKind::Open(_))) {
            continue;
        }
        println!(
            "{:8.2} ms {:?} {:?}",
            (t - last).as_secs_f64() * 1e3,
            e.kind,
            e.paths.iter().map(|p| p.file_name().unwrap().to_owned()).collect::<Vec<_>>()
        );
        last = t;
    }
}
