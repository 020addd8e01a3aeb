//! Linux: signal handlers, the stacks that they run on, and the calls of a thread.
//!
//! A handler runs wherever the thread was, in the middle of `malloc` or with a lock held. So it makes system calls, reads
//! and writes atomics and memory of its own, and unwinds; it neither allocates nor waits. Unwinding finds the tables of a
//! library by glibc's `_dl_find_object`, which takes no lock (glibc 2.35, and the libgcc that knows it). Where they are
//! older the thread may wait for ever there if it was just opening a library: what does not depend on unwinding is written
//! before, and the supervisor ends a process that does not end.

use std::ffi::{c_int, c_void};
use std::fmt::{self, Write};
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::IntoRawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, ptr};

use crate::report::{CALLS_MAX, CrashKind, Facts, write_calls, write_facts, write_maps_head};
use crate::thread::{self, Slot};
use crate::{Mark, panic};

/// What a handler may need: the system's own frame, which has all registers of the processor, and unwinding.
const HANDLER_STACK: usize = 128 * 1024;
/// Below a handler's stack. No target has smaller pages.
const HANDLER_GUARD: usize = 64 * 1024;

const FAULTS: [c_int; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT];

/// How long the calls of another thread are waited for: it may be in a system call that no signal ends.
const CALLS_DEADLINE: Duration = Duration::from_millis(200);

/// Where the report goes; -1 before there is one.
static REPORT: AtomicI32 = AtomicI32::new(-1);
static HAS_BEGUN: AtomicBool = AtomicBool::new(false);

/// The calls that were asked for last: of which thread (0 for none), how many there are, and the calls.
static ASKED: AtomicI32 = AtomicI32::new(0);
static COUNT: AtomicUsize = AtomicUsize::new(usize::MAX);
static CALLS: [AtomicUsize; CALLS_MAX] = [const { AtomicUsize::new(0) }; CALLS_MAX];
/// Held by who asks.
static ASKING: Mutex<()> = Mutex::new(());

/// Has what ends this process from within leave a report in `report`, an empty file: SIGSEGV, SIGBUS, SIGILL, SIGFPE,
/// SIGABRT, and `exit` within a module's code. The process ends as it would without. A thread that
/// [has run nothing](crate::Thread::current) tells only where it was, not how it came there.
///
/// Once for each process, before it has threads. It takes the place of the standard library's handler, which tells of
/// stack overflows only.
///
/// # Errors
/// When the system refuses a handler, or there is a report already.
#[allow(unsafe_code, reason = "signal handlers are the system's")]
pub fn install(report: File) -> io::Result<()> {
    let first = REPORT.compare_exchange(-1, report.into_raw_fd(), Ordering::AcqRel, Ordering::Relaxed);
    if first.is_err() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "this process leaves its report elsewhere"));
    }
    // The thread that begins is often the one that runs most.
    let _ = thread::Thread::current();
    for signal in FAULTS {
        handle(signal, on_fault, 0, &FAULTS)?;
    }
    handle(ask_signal(), on_ask, libc::SA_RESTART, &[])?;
    // SAFETY: a function of the library that all modules link, which is never unmapped.
    if unsafe { libc::atexit(on_exit) } != 0 {
        return Err(io::Error::other("the system takes no more functions for the end of the process"));
    }
    Ok(())
}

/// Ends this process now, without a word: no report is left, and nothing that was registered for its end runs, which may wait
/// for a thread that does not go on.
#[allow(unsafe_code, reason = "the standard library has no such end")]
pub fn end_process() -> ! {
    // SAFETY: it does not return, and touches no memory of this process.
    unsafe { libc::_exit(1) }
}

/// Lets this process have `most` bytes of private memory, all in all. An allocation beyond is refused, and ends the process
/// with an abort. What is mapped and not written to counts, too; code, stacks that the system grows, and what is shared with
/// other processes do not. It can be lowered later, and not raised.
///
/// # Errors
/// When the system refuses the limit: a lower one is in force.
#[allow(unsafe_code, reason = "limits are the system's")]
pub fn limit_memory(most: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the system reads a limit, which lives until it returns.
    if unsafe { libc::setrlimit(libc::RLIMIT_DATA, &raw const limit) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Lets this process have `more` bytes of private memory than it has now, as [`limit_memory`] does.
///
/// # Errors
/// When the system does not tell how much it has, or refuses the limit.
pub fn limit_further_memory(more: u64) -> io::Result<()> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let data = status.lines().find_map(|line| line.strip_prefix("VmData:"));
    let kib = data.and_then(|data| data.split_whitespace().next()?.parse::<u64>().ok());
    let kib = kib.ok_or_else(|| io::Error::other("/proc/self/status does not tell of VmData"))?;
    limit_memory(kib.saturating_mul(1024).saturating_add(more))
}

/// Lets the stack of the main thread grow to `most` bytes, if it may grow further: without a limit, calls without an end take
/// the memory of the machine. A lower limit stays. Before [`install`], which notes where the stack ends.
///
/// # Errors
/// When the system refuses the limit.
#[allow(unsafe_code, reason = "limits are the system's")]
pub fn limit_stack(most: u64) -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the system writes a limit, which lives until it returns.
    if unsafe { libc::getrlimit(libc::RLIMIT_STACK, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    if limit.rlim_cur <= most {
        return Ok(());
    }
    limit.rlim_cur = most;
    // SAFETY: the system reads a limit, which lives until it returns.
    if unsafe { libc::setrlimit(libc::RLIMIT_STACK, &raw const limit) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

/// The signals of `masked` wait while the handler runs; those that can't wait end the process then.
#[allow(unsafe_code, reason = "signal handlers are the system's")]
fn handle(signal: c_int, handler: Handler, flags: c_int, masked: &[c_int]) -> io::Result<()> {
    // SAFETY: all of it may be zero.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | flags;
    for masked in masked {
        // SAFETY: a set of the system's own, and a signal that it knows.
        unsafe { libc::sigaddset(&raw mut action.sa_mask, *masked) };
    }
    // SAFETY: the handler does what a handler may; see the head of this file.
    match unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Nobody else uses it: glibc keeps the first two for itself, and `SIGRTMIN` is beyond those.
fn ask_signal() -> c_int {
    libc::SIGRTMIN() + 5
}

// What is left of the process.

extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    if !HAS_BEGUN.swap(true, Ordering::AcqRel) {
        let (kind, address) = what_happened(signal, info);
        leave_report(kind, Some(signal), address, || {
            if is_stack_too_small() { record_place(context) } else { record_calls() }
        });
    } else {
        // Another thread ends the process as soon as it has written its report.
        rest(Duration::from_secs(5));
    }
    end_by(signal);
}

/// Whether this handler runs on a stack for handlers that is not ours: std's, on a thread that has never run a system.
/// There is no room on it for unwinding.
#[allow(unsafe_code, reason = "the stack of handlers is the system's")]
fn is_stack_too_small() -> bool {
    // SAFETY: all of it may be zero.
    let mut stack: libc::stack_t = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: the system fills it in.
    unsafe { libc::sigaltstack(ptr::null(), &raw mut stack) };
    stack.ss_flags & libc::SS_ONSTACK != 0 && stack.ss_size < HANDLER_STACK
}

extern "C" fn on_exit() {
    // Whoever runs no module's code ends the process because it is over.
    let is_module = |mark: Mark| mark.marked().is_some() && !mark.is_engine();
    let is_module = thread::slot_of(thread_id()).is_some_and(|slot| is_module(slot.mark()));
    if is_module && !HAS_BEGUN.swap(true, Ordering::AcqRel) {
        leave_report(CrashKind::Exit, None, None, record_calls);
    }
}

#[allow(unsafe_code, reason = "what a handler is told is the system's")]
fn what_happened(signal: c_int, info: *mut libc::siginfo_t) -> (CrashKind, Option<u64>) {
    // SAFETY: the system gives a handler with SA_SIGINFO what it is told.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
    // A signal that another process has sent has no address.
    let address = Some(address).filter(|_| code > 0);
    let kind = match signal {
        libc::SIGSEGV | libc::SIGBUS if address.is_some_and(is_beyond_stack) => CrashKind::StackOverflow,
        libc::SIGSEGV => CrashKind::SegmentationFault,
        libc::SIGBUS => CrashKind::BusError,
        libc::SIGILL => CrashKind::IllegalInstruction,
        libc::SIGFPE => CrashKind::ArithmeticError,
        _ => CrashKind::Abort,
    };
    let is_told = kind != CrashKind::Abort;
    (kind, address.filter(|_| is_told).map(|address| address as u64))
}

/// Whether the address is in the pages around the end of this thread's stack that must not be touched. Some versions of
/// glibc count the guard as a part of the stack, some don't.
fn is_beyond_stack(address: usize) -> bool {
    let Some(slot) = thread::slot_of(thread_id()) else { return false };
    let (end, guard) = (slot.stack_end.load(Ordering::Relaxed), slot.stack_guard.load(Ordering::Relaxed));
    end != 0 && (end.saturating_sub(guard)..end + guard).contains(&address)
}

fn leave_report(
    kind: CrashKind,
    signal: Option<c_int>,
    address: Option<u64>,
    record: impl FnOnce() -> usize,
) {
    let mut out = Descriptor(REPORT.load(Ordering::Acquire));
    let mut name = [0; 16];
    let mut said = [0; 512];
    let running = thread::slot_of(thread_id()).and_then(|slot| slot.mark().marked());
    let facts = Facts {
        kind,
        signal,
        address,
        thread: thread_name(&mut name),
        frame: thread::frame(),
        running: running.map(|marked| (marked.module.as_str(), marked.system.as_str())),
        panic: panic::uncaught(&mut said),
    };
    // A disk that is full must not keep the process from ending.
    let _ = write_facts(&mut out, &facts);
    let count = record();
    let _ = write_calls(&mut out, CALLS[..count].iter().map(|call| call.load(Ordering::Relaxed)));
    let _ = write_maps_head(&mut out);
    copy_maps(out.0);
}

/// As after the same signal without a handler: with the core dump that the user may have asked for.
#[allow(unsafe_code, reason = "signals are the system's")]
fn end_by(signal: c_int) {
    // SAFETY: zeros are the default action.
    let action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: both may be called in a handler. The signal waits until this one returns.
    unsafe {
        libc::sigaction(signal, &raw const action, ptr::null_mut());
        libc::raise(signal);
    }
}

/// A file that is written to without memory and locks.
struct Descriptor(c_int);

impl Write for Descriptor {
    #[allow(unsafe_code, reason = "std's files are not for handlers")]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut bytes = text.as_bytes();
        while !bytes.is_empty() {
            // SAFETY: so many bytes are there.
            let written = unsafe { libc::write(self.0, bytes.as_ptr().cast(), bytes.len()) };
            match usize::try_from(written) {
                Ok(written @ 1..) => bytes = &bytes[written..],
                _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                _ => return Err(fmt::Error),
            }
        }
        Ok(())
    }
}

#[allow(unsafe_code, reason = "std's files are not for handlers")]
fn copy_maps(to: c_int) {
    let mut buffer = [0_u8; 4096];
    // SAFETY: a text with a 0 at its end.
    let maps = unsafe { libc::open(c"/proc/self/maps".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    loop {
        // SAFETY: the buffer has so many bytes.
        let read = unsafe { libc::read(maps, buffer.as_mut_ptr().cast(), buffer.len()) };
        let Ok(length @ 1..) = usize::try_from(read) else { break };
        // SAFETY: so many bytes were read.
        unsafe { libc::write(to, buffer.as_ptr().cast(), length) };
    }
    // SAFETY: it was opened above, or is -1, which nobody has.
    unsafe { libc::close(maps) };
}

#[allow(unsafe_code, reason = "std asks for memory to tell it")]
fn thread_name(buffer: &mut [u8; 16]) -> &str {
    // SAFETY: the system writes 16 bytes at most, a 0 at the end.
    unsafe { libc::prctl(libc::PR_GET_NAME, buffer.as_mut_ptr()) };
    let end = buffer.iter().position(|byte| *byte == 0).unwrap_or(0);
    std::str::from_utf8(&buffer[..end]).unwrap_or("?")
}

#[allow(unsafe_code, reason = "std's sleep is not for handlers")]
fn rest(duration: Duration) {
    let time = libc::timespec { tv_sec: duration.as_secs() as libc::time_t, tv_nsec: 0 };
    // SAFETY: it only waits.
    unsafe { libc::nanosleep(&raw const time, ptr::null_mut()) };
}

// Calls.

#[allow(unsafe_code, reason = "the unwinder is the system's")]
unsafe extern "C" {
    fn _Unwind_Backtrace(visit: extern "C" fn(*mut c_void, *mut c_void) -> c_int, data: *mut c_void)
    -> c_int;
    fn _Unwind_GetIPInfo(frame: *mut c_void, is_before: *mut c_int) -> usize;
}

/// `_URC_NO_REASON`: go on.
const GO_ON: c_int = 0;
/// Any other: stop.
const STOP: c_int = 5;

/// Records the calls of this thread in [`CALLS`], and says how many. In a handler they are those that the signal has come
/// upon.
#[allow(unsafe_code, reason = "the unwinder is the system's")]
fn record_calls() -> usize {
    let mut count = 0_usize;
    // SAFETY: `visit` is called while `count` is there, and does not unwind.
    unsafe { _Unwind_Backtrace(visit, (&raw mut count).cast()) };
    count
}

/// Records where the thread was, and nothing of how it came there.
#[allow(unsafe_code, reason = "what a handler is told is the system's")]
fn record_place(context: *mut c_void) -> usize {
    // SAFETY: the system gives a handler with SA_SIGINFO the context of its thread.
    let machine = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext };
    #[cfg(target_arch = "x86_64")]
    let place = machine.gregs[libc::REG_RIP as usize] as usize;
    #[cfg(target_arch = "aarch64")]
    let place = machine.pc as usize;
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let place = {
        let _ = machine;
        return 0;
    };
    CALLS[0].store(place, Ordering::Relaxed);
    1
}

#[allow(unsafe_code, reason = "the unwinder is the system's")]
extern "C" fn visit(frame: *mut c_void, count: *mut c_void) -> c_int {
    let mut is_before = 0;
    // SAFETY: the frame is the unwinder's, for this call.
    let address = unsafe { _Unwind_GetIPInfo(frame, &raw mut is_before) };
    // SAFETY: as `record_calls` has given it, on this thread.
    let count = unsafe { &mut *count.cast::<usize>() };
    if is_before != 0 {
        // What was found so far is the handler; this is what the signal has come upon.
        *count = 0;
    }
    let Some(place) = CALLS.get(*count) else { return STOP };
    // It is where the call returns to, which may be the next line.
    place.store(address.saturating_sub(usize::from(is_before == 0)), Ordering::Relaxed);
    *count += 1;
    GO_ON
}

extern "C" fn on_ask(_signal: c_int, _info: *mut libc::siginfo_t, _context: *mut c_void) {
    // A fault that is being told of needs the calls for itself.
    if ASKED.load(Ordering::Acquire) != thread_id() || HAS_BEGUN.load(Ordering::Acquire) {
        return;
    }
    let errno = io::Error::last_os_error().raw_os_error().unwrap_or(0);
    let count = record_calls();
    COUNT.store(count, Ordering::Release);
    set_errno(errno);
}

#[allow(unsafe_code, reason = "the code that was interrupted may be about to read it")]
fn set_errno(errno: i32) {
    // SAFETY: a place of this thread's own.
    unsafe { *libc::__errno_location() = errno };
}

/// Where the calls of another thread are that have not returned. Empty when it does not answer.
#[allow(unsafe_code, reason = "signals are the system's")]
pub(crate) fn calls_of(slot: &Slot) -> Vec<u64> {
    if REPORT.load(Ordering::Acquire) < 0 {
        // There is no handler, and the signal would end the process.
        return Vec::new();
    }
    let _turn = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
    let thread = slot.thread.load(Ordering::Acquire);
    COUNT.store(usize::MAX, Ordering::Release);
    ASKED.store(thread, Ordering::Release);
    // SAFETY: a thread of this process; of one that has ended by now, the system says so.
    let sent =
        unsafe { libc::syscall(libc::SYS_tgkill, libc::c_long::from(libc::getpid()), thread, ask_signal()) };
    let expiry = Instant::now() + CALLS_DEADLINE;
    let is_answered = || COUNT.load(Ordering::Acquire) != usize::MAX;
    while sent == 0 && !is_answered() && Instant::now() < expiry {
        std::thread::sleep(Duration::from_millis(1));
    }
    // Whoever answers later than that is not heard.
    ASKED.store(0, Ordering::Release);
    let count = COUNT.load(Ordering::Acquire);
    let calls = CALLS.iter().take(if count == usize::MAX { 0 } else { count });
    calls.map(|call| call.load(Ordering::Relaxed) as u64).collect()
}

/// Which file is mapped where: proc(5), `/proc/PID/maps`.
pub fn maps() -> String {
    std::fs::read_to_string("/proc/self/maps").unwrap_or_default()
}

// Threads.

#[allow(unsafe_code, reason = "std does not tell it")]
pub(crate) fn thread_id() -> i32 {
    // SAFETY: it always succeeds.
    unsafe { libc::gettid() }
}

/// Notes where the stack of this thread ends, and gives its handlers one of their own that is large enough. std's is made
/// for a handler that only prints.
pub(crate) fn enter_thread(slot: &Slot) {
    if REPORT.load(Ordering::Acquire) < 0 {
        return;
    }
    let (end, guard) = stack_of_thread().unwrap_or_default();
    slot.stack_end.store(end, Ordering::Relaxed);
    slot.stack_guard.store(guard, Ordering::Relaxed);
    let mut stack = slot.handler_stack.load(Ordering::Relaxed);
    if stack == 0 {
        stack = new_stack().unwrap_or(0);
        slot.handler_stack.store(stack, Ordering::Relaxed);
    }
    if stack != 0 {
        set_handler_stack(stack, 0);
    }
}

/// Before the slot, and with it the stack of its handlers, becomes another thread's.
pub(crate) fn leave_thread(slot: &Slot) {
    let stack = slot.handler_stack.load(Ordering::Relaxed);
    if stack != 0 {
        set_handler_stack(stack, libc::SS_DISABLE);
    }
}

#[allow(unsafe_code, reason = "the stack of handlers is the system's")]
fn set_handler_stack(begin: usize, flags: c_int) {
    let stack = handler_stack(begin, flags);
    // SAFETY: memory of that size, which is never unmapped, and this thread's as long as it has the slot.
    unsafe { libc::sigaltstack(&raw const stack, ptr::null_mut()) };
}

fn handler_stack(begin: usize, flags: c_int) -> libc::stack_t {
    libc::stack_t { ss_sp: ptr::with_exposed_provenance_mut(begin), ss_flags: flags, ss_size: HANDLER_STACK }
}

#[allow(unsafe_code, reason = "memory with a guard is the system's")]
fn new_stack() -> Option<usize> {
    let (length, access) = (HANDLER_GUARD + HANDLER_STACK, libc::PROT_READ | libc::PROT_WRITE);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
    // SAFETY: new memory, wherever there is room.
    let begin = unsafe { libc::mmap(ptr::null_mut(), length, access, flags, -1, 0) };
    if begin == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the lower end of what was just mapped.
    unsafe { libc::mprotect(begin, HANDLER_GUARD, libc::PROT_NONE) };
    Some(begin.expose_provenance() + HANDLER_GUARD)
}

/// The lowest address of this thread's stack, and how many bytes around it mean that it has overflowed.
#[allow(unsafe_code, reason = "std does not tell it")]
fn stack_of_thread() -> Option<(usize, usize)> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: the system fills it in.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let (mut begin, mut size, mut guard) = (ptr::null_mut(), 0, 0);
    // SAFETY: it was filled in above, and is given back after it was asked.
    unsafe {
        libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut begin, &raw mut size);
        libc::pthread_attr_getguardsize(attributes.as_ptr(), &raw mut guard);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
    }
    // The main thread has no guard of its own; below it the system keeps others away.
    Some((begin.addr(), guard.max(HANDLER_GUARD)))
}
