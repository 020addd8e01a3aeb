//! temp
use keel_builder::*;
use keel_resolver::Workspace;
use std::time::*;
fn main() {
    let root = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let module = std::env::args().nth(2).unwrap();
    let folder = root.join(std::env::args().nth(3).unwrap());
    let n: usize = 15;
    let ws = Workspace::from_metadata(&Workspace::read(&root).unwrap()).unwrap();
    let t = Instant::now();
    let watcher = Watcher::start(WatchScope::of(&ws)).unwrap();
    println!("watcher start {:?} for {} inputs", t.elapsed(), ws.watched_inputs().len());
    let builder = Builder::new(BuilderConfig::new(&root));
    let run = RunDirectory::create(&root.join("target/runs")).unwrap();
    let mut generations = Generations::new(&run);
    let src = folder.join("src/lib.rs");
    let orig = std::fs::read_to_string(&src).unwrap();
    let request = [BuildRequest::library(&module, module.replace('-', "_"))];
    builder.build(&request, &CancelToken::new()).unwrap();
    let edit = |k: usize| {
        std::fs::write(&src, orig.replace("let pull = 0.5; // EDIT", &format!("let pull = {k}.25; // EDIT")))
            .unwrap()
    };
    edit(999);
    let command = builder.rustc_command(&request[0]).unwrap();
    let _ = watcher.changes().recv();
    let mut rows = Vec::new();
    for k in 0..n {
        edit(2 * k + 1);
        let alone = command.time().unwrap();
        let _ = watcher.changes().recv();
        edit(2 * k + 2);
        let t = Instant::now();
        let change = watcher.changes().recv().unwrap().unwrap();
        let seen = change.saved_at.elapsed().unwrap();
        let seen2 = t.elapsed();
        let a = ws.affected(&change.files);
        assert!(!a.modules.is_empty());
        let report = builder.build(&request, &CancelToken::new()).unwrap();
        assert!(!report.artifacts[0].is_fresh);
        let t1 = Instant::now();
        generations.add(&module, k as u64, &report.artifacts[0].path).unwrap();
        let copy = t1.elapsed();
        let total = change.saved_at.elapsed().unwrap();
        rows.push([alone, seen, seen2, report.elapsed, copy, total].map(|d| d.as_secs_f64() * 1e3));
    }
    std::fs::write(&src, &orig).unwrap();
    for (i, name) in
        ["rustc alone", "seen (mtime)", "seen (write return)", "cargo", "copy", "total"].iter().enumerate()
    {
        let mut v: Vec<f64> = rows.iter().map(|r| r[i]).collect();
        v.sort_by(f64::total_cmp);
        println!("{name:20} min {:7.2} median {:7.2} max {:7.2}", v[0], v[v.len() / 2], v[v.len() - 1]);
    }
    let mut ratio: Vec<f64> = rows.iter().map(|r| r[5] / r[0]).collect();
    ratio.sort_by(f64::total_cmp);
    println!("ratio median {:.2}", ratio[ratio.len() / 2]);
}
