//! Background tasks: futures of a module on the engine's executor.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use async_executor::{Executor, Task};
use async_io::Timer;
use futures_lite::future;
use keel_core_types::ModuleId;
use keel_crash::{Mark, Thread, wait_beside};
use keel_ecs::Limits;
use parking_lot::Mutex;

use crate::ModuleTag;
use crate::fault::{Fault, Panic, catch, contain};

/// Waits for `duration` of real time without holding a thread.
pub async fn sleep(duration: Duration) {
    Timer::after(duration).await;
}

type BoxedFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The background tasks of one module. A task's future is code of its module: it is drained or cancelled before the
/// module is swapped. It hands results over by a [`Caller`](crate::Caller), and they survive.
pub struct Tasks<'a> {
    executor: &'a TaskExecutor,
    module: &'a ModuleTag,
}

impl<'a> Tasks<'a> {
    pub(crate) fn new(executor: &'a TaskExecutor, module: &'a ModuleTag) -> Self {
        Self { executor, module }
    }

    /// Those of another module.
    pub(crate) fn of_module<'m>(&self, module: &'m ModuleTag) -> Tasks<'m>
    where
        'a: 'm,
    {
        Tasks { executor: self.executor, module }
    }

    /// Runs `future` beside the game.
    ///
    /// # Panics
    /// When as many tasks of this module run as [`Limits`] allows; the message names it.
    pub fn spawn(&self, name: &str, future: impl Future<Output = ()> + Send + 'static) {
        self.executor.spawn(self.module, name, Box::pin(future));
    }

    /// How many of this module's tasks have not ended.
    pub fn running(&self) -> usize {
        self.executor.running(self.module.id())
    }
}

/// How a module's tasks ended before its swap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrainReport {
    /// Tasks that came to their end by themselves.
    pub finished: usize,
    /// Tasks that were cancelled at the deadline.
    pub cancelled: usize,
}

/// Runs the tasks of all modules on one thread, which sleeps while none is ready and is started by the first task.
pub(crate) struct TaskExecutor {
    executor: Arc<Executor<'static>>,
    tasks: Mutex<BTreeMap<ModuleId, Vec<Task<()>>>>,
    faults: Arc<Mutex<Vec<Fault>>>,
    worker: Mutex<Option<Worker>>,
    /// The most tasks of one module.
    max: usize,
}

/// A task's future, whose panics end here: one that came out of the `drop` of a cancelled task would end the process.
struct Contained(Option<BoxedFuture>, Mark);

impl Future for Contained {
    type Output = Result<(), Panic>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let _running = Thread::current().enter(self.1);
        let Some(future) = self.0.as_mut() else { return Poll::Ready(Ok(())) };
        match catch(|| future.as_mut().poll(context)) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

impl Drop for Contained {
    fn drop(&mut self) {
        let _running = Thread::current().enter(self.1);
        if let Err(message) = contain(|| drop(self.0.take())) {
            log::warn!("a background task was cancelled, though its `drop` {message}");
        }
    }
}

struct Worker {
    thread: JoinHandle<()>,
    /// Closing it ends the thread.
    stop: async_channel::Sender<()>,
}

impl TaskExecutor {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            executor: Arc::new(Executor::new()),
            tasks: Mutex::default(),
            faults: Arc::default(),
            worker: Mutex::default(),
            max,
        }
    }

    /// Not generic: the task around the future, and what wakes it, are code of the facade. A timer's thread may still
    /// be about to wake a task whose module was just unmapped.
    fn spawn(&self, module: &ModuleTag, name: &str, future: BoxedFuture) {
        self.need_room(module, name);
        self.start_worker();
        let (faults, module_name, system) =
            (Arc::clone(&self.faults), module.name().to_owned(), Fault::system_of_task(name));
        let mark = Mark::beside(&module_name, &system);
        let task = self.executor.spawn(async move {
            if let Err(Panic { message, backtrace }) = Contained(Some(future), mark).await {
                let fault =
                    Fault { module: module_name, system, message, backtrace, frame: 0, suspended: false };
                faults.lock().push(fault);
            }
        });
        let mut tasks = self.tasks.lock();
        let of_module = tasks.entry(module.id()).or_default();
        of_module.retain(|task| !task.is_finished());
        of_module.push(task);
    }

    /// Panics when the module has as many tasks as it may have.
    fn need_room(&self, module: &ModuleTag, name: &str) {
        let mut tasks = self.tasks.lock();
        let Some(of_module) = tasks.get_mut(&module.id()) else { return };
        if of_module.len() >= self.max {
            of_module.retain(|task| !task.is_finished());
        }
        let has_room = of_module.len() < self.max;
        drop(tasks);
        assert!(has_room, "{}", Limits::too_many_tasks(self.max, name));
    }

    fn start_worker(&self) {
        let mut worker = self.worker.lock();
        if worker.is_some() {
            return;
        }
        let executor = Arc::clone(&self.executor);
        let (stop, stopped) = async_channel::bounded::<()>(1);
        let run = move || {
            // An error is the channel's closing, which is what is waited for.
            let _ = async_io::block_on(executor.run(stopped.recv()));
        };
        match std::thread::Builder::new().name("keel-tasks".to_owned()).spawn(run) {
            Ok(thread) => *worker = Some(Worker { thread, stop }),
            Err(error) => log::error!("no thread for background tasks could be started: {error}"),
        }
    }

    pub(crate) fn running(&self, module: ModuleId) -> usize {
        let tasks = self.tasks.lock();
        tasks.get(&module).map_or(0, |tasks| tasks.iter().filter(|task| !task.is_finished()).count())
    }

    pub(crate) fn total_running(&self) -> usize {
        let tasks = self.tasks.lock();
        tasks.values().flatten().filter(|task| !task.is_finished()).count()
    }

    /// Waits until each task that was started before has had its first turn, at most `deadline`.
    pub(crate) fn settle(&self, deadline: Duration) {
        if self.total_running() == 0 {
            return;
        }
        // They have their turns in the order in which they were started.
        let last = self.executor.spawn(async {});
        async_io::block_on(future::or(last, async {
            Timer::after(deadline).await;
        }));
    }

    /// Waits until the module's tasks have ended, at most `deadline`, and cancels the others. None of their code
    /// runs after this returns. What holds the thread of all tasks meanwhile, a task of whichever module, hangs.
    pub(crate) fn drain(&self, module: ModuleId, deadline: Duration) -> DrainReport {
        let tasks = self.tasks.lock().remove(&module).unwrap_or_default();
        let _waiting = wait_beside();
        let mut report = DrainReport::default();
        async_io::block_on(async {
            let expiry = std::time::Instant::now() + deadline;
            for mut task in tasks {
                let ended = future::or(
                    async {
                        (&mut task).await;
                        true
                    },
                    async {
                        Timer::at(expiry).await;
                        false
                    },
                );
                if task_ended(ended.await, task).await {
                    report.finished += 1;
                } else {
                    report.cancelled += 1;
                }
            }
        });
        report
    }

    pub(crate) fn take_faults(&self) -> Vec<Fault> {
        std::mem::take(&mut self.faults.lock())
    }
}

/// Makes sure that the task's future is gone, and says whether it had come to its end.
async fn task_ended(ended: bool, task: Task<()>) -> bool {
    ended || task.cancel().await.is_some()
}

impl Drop for TaskExecutor {
    fn drop(&mut self) {
        self.tasks.lock().clear();
        if let Some(worker) = self.worker.lock().take() {
            worker.stop.close();
            let _waiting = wait_beside();
            // The thread contains all panics of tasks, so it ends without one.
            let _ = worker.thread.join();
        }
    }
}
