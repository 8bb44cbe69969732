/**
 * The system-call filter of the decoder sandbox, as classic BPF (Linux
 * Documentation/userspace-api/seccomp_filter.rst). It is a list of refusals: what a decoder needs
 * differs between builds of ffmpeg and its libraries, what it never needs does not.
 */

/** Machines the filter knows the system-call numbers of, as Node names them. */
type FilteredArchitecture = "x64" | "arm64";

/** `AUDIT_ARCH_*` of linux/audit.h: a call made through another table is never let through. */
const AUDIT_ARCHITECTURE: Record<FilteredArchitecture, number> = {
  x64: 0xc000003e,
  arm64: 0xc00000b7,
};

/** Numbers per architecture, null where it has no such call. */
type CallNumbers = readonly [x64: number | null, arm64: number | null];

/** Answered with EPERM, so that a library that merely tries goes on without. */
const REFUSED: Readonly<Record<string, CallNumbers>> = {
  // Any talk to anybody else. The child's own pipes need none of these.
  socket: [41, 198],
  socketpair: [53, 199],
  connect: [42, 203],
  bind: [49, 200],
  listen: [50, 201],
  accept: [43, 202],
  accept4: [288, 242],
  sendto: [44, 206],
  recvfrom: [45, 207],
  sendmsg: [46, 211],
  recvmsg: [47, 212],
  sendmmsg: [307, 269],
  recvmmsg: [299, 243],
  shmget: [29, 194],
  shmat: [30, 196],
  semget: [64, 190],
  msgget: [68, 186],
  mq_open: [240, 180],
  // Looking into other processes.
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  kcmp: [312, 272],
  pidfd_open: [434, 434],
  pidfd_getfd: [438, 438],
  // Further processes: threads are allowed (see the test of `clone` below), programs are not.
  fork: [57, null],
  vfork: [58, null],
  // Changing what the child can see of the disk.
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  setns: [308, 268],
  unshare: [272, 97],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  fanotify_init: [300, 262],
  quotactl: [179, 60],
  swapon: [167, 224],
  swapoff: [168, 225],
  acct: [163, 89],
  // Memory that survives as a file, and kernel interfaces with a history of holes.
  memfd_create: [319, 279],
  memfd_secret: [447, 447],
  keyctl: [250, 219],
  add_key: [248, 217],
  request_key: [249, 218],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  personality: [135, 92],
  syslog: [103, 116],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  reboot: [169, 142],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  clock_adjtime: [305, 266],
  adjtimex: [159, 171],
  ioperm: [173, null],
  iopl: [172, null],
  modify_ldt: [154, null],
};
const CLONE: CallNumbers = [56, 220];
const CLONE3: CallNumbers = [435, 435];

const CLONE_THREAD = 0x00010000;
/** Bit that marks a call through the x32 table of an x86-64 kernel. */
const X32_CALL_BIT = 0x40000000;

// Operation codes of linux/bpf_common.h, and actions of linux/seccomp.h.
const LOAD_WORD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER_OR_EQUAL = 0x35;
const JUMP_BITS_SET = 0x45;
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const FAIL_WITH = 0x00050000;
const EPERM = 1;
const ENOSYS = 38;

// Offsets in struct seccomp_data. Arguments are 64 bits; both machines are little-endian.
const CALL_NUMBER = 0;
const ARCHITECTURE = 4;
const FIRST_ARGUMENT_LOW = 16;

/** One `struct sock_filter`: operation, jump if true, jump if false, operand. */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];

/** Two instructions that answer one call number with `action`. */
function answer(callNumber: number, action: number): Instruction[] {
  return [
    [JUMP_EQUAL, 0, 1, callNumber],
    [RETURN, 0, 0, action],
  ];
}

function isFiltered(architecture: string): architecture is FilteredArchitecture {
  return architecture === "x64" || architecture === "arm64";
}

/** The number of every refused call on `architecture`, by name. For tests and for `answer`. */
export function refusedCalls(architecture: "x64" | "arm64"): ReadonlyMap<string, number> {
  const column = architecture === "x64" ? 0 : 1;
  const numbers = new Map<string, number>();
  for (const [name, perArchitecture] of Object.entries(REFUSED)) {
    const callNumber = perArchitecture[column];
    if (callNumber !== null) numbers.set(name, callNumber);
  }
  return numbers;
}

function program(architecture: FilteredArchitecture): Instruction[] {
  const column = architecture === "x64" ? 0 : 1;
  const clone = CLONE[column] ?? 0;
  const clone3 = CLONE3[column] ?? 0;
  const instructions: Instruction[] = [
    [LOAD_WORD, 0, 0, ARCHITECTURE],
    [JUMP_EQUAL, 1, 0, AUDIT_ARCHITECTURE[architecture]],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD_WORD, 0, 0, CALL_NUMBER],
  ];
  if (architecture === "x64") {
    instructions.push([JUMP_GREATER_OR_EQUAL, 0, 1, X32_CALL_BIT], [RETURN, 0, 0, KILL_PROCESS]);
  }
  for (const callNumber of refusedCalls(architecture).values()) {
    instructions.push(...answer(callNumber, FAIL_WITH | EPERM));
  }
  // The flags of clone3 are behind a pointer that a filter cannot follow. Without it the C library
  // falls back to clone, whose flags are the first argument.
  instructions.push(...answer(clone3, FAIL_WITH | ENOSYS));
  instructions.push(
    [JUMP_EQUAL, 0, 3, clone],
    [LOAD_WORD, 0, 0, FIRST_ARGUMENT_LOW],
    [JUMP_BITS_SET, 1, 0, CLONE_THREAD],
    [RETURN, 0, 0, FAIL_WITH | EPERM],
    [RETURN, 0, 0, ALLOW],
  );
  return instructions;
}

/**
 * The filter for this kind of machine as an array of `struct sock_filter`, or null where its
 * call numbers are not known here.
 */
export function seccompFilter(architecture: string): Buffer | null {
  if (!isFiltered(architecture)) return null;
  const instructions = program(architecture);
  const bytes = Buffer.alloc(instructions.length * 8);
  instructions.forEach(([code, ifTrue, ifFalse, operand], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(operand >>> 0, index * 8 + 4);
  });
  return bytes;
}
