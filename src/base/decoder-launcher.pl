# Starts the one ffmpeg that the hub asks for through the socket on standard input: what
# doorward-decoder@.service runs. The unit takes away network, files and everything else; this
# file sees to it that nothing but a known form of ffmpeg is started in there.
#
# Message: 4 bytes length (big-endian), then strings, each with its length in 4 bytes before it:
# "doorward-decoder-1", a filter of system calls (struct sock_filter[], may be empty), memory in
# KiB, processor seconds (0 = no limit), the program, its arguments. With its first byte come
# four descriptors (SCM_RIGHTS): the decoder's 0 to 3. Answer: one byte, the exit code (128 + N
# where signal N ended it); 126 is said only where it was refused, and then why is written to the
# decoder's descriptor 2. When the hub closes the connection the decoder is killed.
use strict;
use warnings;
use POSIX qw(:sys_wait_h);

use constant { BODY_BYTES_MAX => 65536, WORDS_MAX => 256, WORD_BYTES_MAX => 8192 };
use constant { MEMORY_KIB_MAX => 2 * 1024 * 1024, CPU_SECONDS_MAX => 1_000_000 };
use constant { SOL_SOCKET => 1, SCM_RIGHTS => 1, MSG_CTRUNC => 8, MSG_CMSG_CLOEXEC => 0x40000000 };
use constant { PR_SET_DUMPABLE => 4, PR_SET_NO_NEW_PRIVS => 38, PR_SET_SECCOMP => 22 };
use constant { PR_SET_PDEATHSIG => 1, SECCOMP_MODE_FILTER => 2, SIGKILL => 9 };
use constant { OPEN_FILES_MAX => 64, REFUSED => 126, NOT_STARTED => 127, DESCRIPTORS => 4 };

my $FFMPEG = $ENV{DOORWARD_DECODER_FFMPEG} // '/usr/bin/ffmpeg';
my $NUMBER = qr/[0-9]{1,10}/;
my $RATE = qr/[0-9]{1,9}[kM]?/;
my $PIPE = qr/pipe:[013]/;
my $NAME = qr/[a-z0-9_]{1,40}/;

# Options without a value, and the others with the form that their value has.
my %ALONE = map { $_ => 1 } qw(-hide_banner -nostdin -nostats -copyts -an -sn -dn -benchmark -re);
my %VALUES = (
  (map { $_ => $NUMBER } qw(
    -probesize -analyzeduration -fpsprobesize -threads -max_pixels -filter_threads
    -filter_complex_threads -q:v -crf -bf -g -ac -ar -video_track_timescale -use_editlist
    -flush_packets -frames:v -cutoff -sc_threshold -use_wallclock_as_timestamps)),
  (map { $_ => $RATE } qw(-maxrate -bufsize -b:v -b:a)),
  (map { $_ => $NAME } qw(-preset -tune -pix_fmt -input_format -profile:v)),
  '-loglevel' => qr/error|info/,
  '-protocol_whitelist' => qr/pipe|file/,
  '-format_whitelist' => qr/[a-z0-9,]{1,400}/,
  '-flags' => qr/low_delay/,
  '-fflags' => qr/[+a-z]{1,60}/,
  '-framerate' => qr/[0-9.]{1,20}/,
  '-stream_loop' => qr/-1/,
  '-f' => qr/mp4|rawvideo|framecrc|mjpeg|mpjpeg|image2pipe|jpeg_pipe|mulaw|alaw|adts|flv|mpegts|h264|lavfi|video4linux2/,
  '-i' => qr{pipe:0|testsrc2=[a-z0-9=:,.]{1,200}|/dev/video[0-9]{1,3}|file:/[^\0]{1,4000}},
  '-map' => qr/0:v:0|\[[a-z]{1,20}\]/,
  '-map_metadata' => qr/-1/,
  '-c:v' => qr/rawvideo|mjpeg|libx264|copy|h264_v4l2m2m/,
  '-c:a' => qr/aac/,
  '-video_size' => qr/[0-9]{1,5}x[0-9]{1,5}/,
  '-fps_mode' => qr/passthrough/,
  '-enc_time_base' => qr/1:[0-9]{1,7}/,
  '-movflags' => qr/[a-z_+]{1,200}/,
  '-flvflags' => qr/[a-z_+]{1,200}/,
  '-x264-params' => qr{[a-z0-9=:._/-]{1,400}},
  '-force_key_frames' => qr/expr:[a-z0-9_(),.+*]{1,200}/,
  '-vf' => \&is_filter,
  '-af' => \&is_filter,
  '-filter_complex' => \&is_filter,
);
# Of some five hundred filters. Others read files, open sockets or run code of a filter's writer.
my %FILTERS = map { $_ => 1 } qw(
  select scale format split setsar crop asetrate aresample noise drawbox showinfo
  sidedata nullsink);

my %CALLS = (x86_64 => { prctl => 157, recvmsg => 47 }, aarch64 => { prctl => 167, recvmsg => 212 });
my $calls = $CALLS{(POSIX::uname())[4]} or refuse("this kind of machine is not known");

my $told;
sub refuse {
  my $line = "doorward-decoder: refused: $_[0]\n";
  print STDERR $line;
  POSIX::write($told, $line, length $line) if defined $told;
  POSIX::write(0, chr REFUSED, 1);
  POSIX::_exit(REFUSED);
}

sub address_of { return unpack('J', pack('P', $_[0])) }

sub is_filter {
  my ($text) = @_;
  return 0 if length $text > WORD_BYTES_MAX || $text !~ /\A[A-Za-z0-9_=:.,;\[\]()+*\/|' @<>-]+\z/;
  # Labels, and expressions in quotes, hold no filter; a quote without its end holds anything.
  $text =~ s/'[^']*'//g;
  return 0 if $text =~ /'/;
  $text =~ s/\[[a-z0-9:]*\]//g;
  for my $part (split /[,;]/, $text) {
    my ($name) = $part =~ /\A\s*([a-z0-9_]+)(?:[=@]|\s*\z)/ or return 0;
    return 0 if !$FILTERS{$name};
  }
  return 1;
}

# The form of a whole command; the reason where it has none.
sub wrong_with {
  my @left = @_;
  return undef if "@left" eq '-hide_banner -version';
  my %seen;
  while (@left) {
    my $word = shift @left;
    next if $ALONE{$word} || $word =~ /\A$PIPE\z/;
    my ($named) = $word =~ /\A(-[a-z0-9_:]{1,40})\z/;
    my $form = $VALUES{$word} or return ($named // 'a word') . ' is not known';
    my $value = shift @left // return "$word has no value";
    my $holds = ref $form eq 'CODE' ? $form->($value) : $value =~ /\A(?:$form)\z/;
    return "$word has a value that is not known" if !$holds;
    return 'two inputs' if $word eq '-i' && $seen{'-i'};
    $seen{$word} = $value;
  }
  return 'it has no input' if !defined $seen{'-i'};
  my $needs = $seen{'-i'} =~ m{\A(?:/|file:)} ? 'file' : 'pipe';
  # What draws its own scene reads nothing, so it names no protocol.
  return undef if ($seen{'-i'} =~ /\Atestsrc2=/) && !defined $seen{'-protocol_whitelist'};
  return 'its protocols are not limited' if ($seen{'-protocol_whitelist'} // '') ne $needs;
  return undef;
}

sub receive {
  my $first = "\0" x 4096;
  my $rights = "\0" x 64;
  my $vector = pack('J J', address_of($first), length $first);
  my $header = pack('J L x4 J J J J L x4',
    0, 0, address_of($vector), 1, address_of($rights), length $rights, 0);
  my $got = syscall($calls->{recvmsg}, 0, $header, MSG_CMSG_CLOEXEC);
  refuse('nothing was asked for') if $got < 4;
  my $flags = (unpack('J L x4 J J J J L', $header))[6];
  my ($length, $level, $type, @descriptors) = unpack('Q l l l4', $rights);
  my $isWhole = $length == 16 + 4 * DESCRIPTORS && $level == SOL_SOCKET && $type == SCM_RIGHTS;
  refuse('descriptors are missing') if !$isWhole || ($flags & MSG_CTRUNC);
  my $message = substr $first, 0, $got;
  my $size = unpack('N', $message);
  refuse('the message is too long') if $size > BODY_BYTES_MAX;
  while (length $message < 4 + $size) {
    sysread(STDIN, $message, 4 + $size - length $message, length $message)
      or refuse('the message is not whole');
  }
  refuse('the message does not end') if length $message > 4 + $size;
  return (substr($message, 4), @descriptors);
}

my ($body, @descriptors) = receive();
$told = $descriptors[2];
my @words = eval { unpack('(N/a*)*', $body) };
refuse('the message has another form') if pack('(N/a*)*', @words) ne $body;
my ($form, $filter, $memory_kib, $cpu_seconds, $program, @arguments) = @words;
refuse('another version is spoken') if ($form // '') ne 'doorward-decoder-1';
refuse('too many words') if @words > WORDS_MAX || grep { length > WORD_BYTES_MAX || /\0/ } @arguments;
refuse('the filter has another form') if length($filter) % 8;
for ([$memory_kib, 1024, MEMORY_KIB_MAX], [$cpu_seconds, 0, CPU_SECONDS_MAX]) {
  my ($value, $least, $most) = @$_;
  refuse('a limit is missing')
    if ($value // '') !~ /\A$NUMBER\z/ || $value < $least || $value > $most;
}
refuse('only the system\'s ffmpeg is started') if ($program // '') ne $FFMPEG;
my $wrong = wrong_with(@arguments);
refuse($wrong) if defined $wrong;

syscall($calls->{prctl}, PR_SET_DUMPABLE, 0, 0, 0, 0);
pipe(my $ended, my $ending) or refuse("no pipe: $!");
# The hub may be gone before the answer is.
$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = sub { syswrite($ending, 'x') };
my $parent = $$;
my $child = fork // refuse("no process: $!");
start() if $child == 0;
POSIX::close($_) for @descriptors;

# Until it ends, or nobody waits for it any more: whatever comes in is no part of the protocol.
my $readable = '';
vec($readable, $_, 1) = 1 for 0, fileno $ended;
my $ready = '';
while (1) {
  my $count = select($ready = $readable, undef, undef, undef);
  last if $count > 0;
}
kill 'KILL', $child if vec($ready, 0, 1) && !vec($ready, fileno $ended, 1);
waitpid($child, 0);
my $code = WIFEXITED($?) ? WEXITSTATUS($?) : 128 + WTERMSIG($?);
# What ran is not to be taken for what was refused.
$code = NOT_STARTED if $code == REFUSED;
# The socket is both its input and its output.
POSIX::write(0, chr $code, 1);
POSIX::_exit(0);

sub start {
  $SIG{$_} = 'DEFAULT' for qw(CHLD PIPE);
  syscall($calls->{prctl}, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  POSIX::_exit(NOT_STARTED) if getppid() != $parent;
  # Above what they become, so that none is overwritten before it was copied.
  my @high = map { POSIX::dup($_) // POSIX::_exit(NOT_STARTED) } @descriptors;
  POSIX::dup2($high[$_], $_) // POSIX::_exit(NOT_STARTED) for 0 .. DESCRIPTORS - 1;
  POSIX::close($_) for DESCRIPTORS .. OPEN_FILES_MAX;
  chdir '/';
  %ENV = ();
  my @limits = ('-c 0', '-f 0', '-n ' . OPEN_FILES_MAX, "-v $memory_kib");
  push @limits, "-t $cpu_seconds" if $cpu_seconds > 0;
  my $script = join(' && ', map { "ulimit $_" } @limits) . ' && exec "$@"';
  syscall($calls->{prctl}, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 or POSIX::_exit(NOT_STARTED);
  if (length $filter) {
    my $program_of_filter = pack('S x6 J', length($filter) / 8, address_of($filter));
    syscall($calls->{prctl}, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, $program_of_filter, 0, 0) == 0
      or POSIX::_exit(NOT_STARTED);
  }
  { exec { '/bin/sh' } 'sh', '-c', $script, 'sh', $FFMPEG, @arguments }
  POSIX::_exit(NOT_STARTED);
}
