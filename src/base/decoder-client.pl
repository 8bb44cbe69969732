# Asks the system for a decoder in a unit of its own, hands it this process's pipes, and ends as it
# ends: perl decoder-client.pl SOCKET MEMORY_KIB CPU_SECONDS PROGRAM [ARGUMENT ...]
#
# Descriptors: 0 to 3 become the decoder's; 4 gives its filter of system calls, which may be empty.
# Perl, since Node cannot pass descriptors on and Debian's systems always have perl-base. The other
# side is decoder-launcher.pl, which describes the message.
use strict;
use warnings;
use POSIX ();
use Socket qw(AF_UNIX SOCK_STREAM pack_sockaddr_un);

use constant { PR_SET_PDEATHSIG => 1, SIGKILL => 9, FILTER_BYTES_MAX => 16384 };
use constant { SOL_SOCKET => 1, SCM_RIGHTS => 1, MSG_NOSIGNAL => 0x4000 };
use constant { CANNOT => 125, KILLED => 137 };

my %NUMBERS = (x86_64 => { prctl => 157, sendmsg => 46 }, aarch64 => { prctl => 167, sendmsg => 211 });
my $numbers = $NUMBERS{(POSIX::uname())[4]} or fail("this kind of machine is not known");

sub fail {
  my ($why) = @_;
  print STDERR "Cannot ask for a decoder: $why\n";
  POSIX::_exit(CANNOT);
}

sub address_of { return unpack('J', pack('P', $_[0])) }

# The hub may be killed: nothing that it started may go on.
syscall($numbers->{prctl}, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);

my ($path, @words) = @ARGV;
fail("wrong use") if @words < 3;

# What was not given is nothing: a socket of ours must not come to stand in its place.
while (1) {
  my $descriptor = POSIX::open('/dev/null', POSIX::O_RDWR()) // fail("no /dev/null: $!");
  next if $descriptor <= 4;
  POSIX::close($descriptor);
  last;
}

open(my $filter_pipe, '<&=', 4) or fail("there is no filter");
binmode $filter_pipe;
my $filter = '';
while (sysread($filter_pipe, $filter, 4096, length $filter)) {
  fail("the filter is too long") if length $filter > FILTER_BYTES_MAX;
}
close $filter_pipe;

socket(my $decoder, AF_UNIX, SOCK_STREAM, 0) or fail("no socket: $!");
connect($decoder, pack_sockaddr_un($path)) or fail("$path: $!");

my $body = pack('(N/a*)*', 'doorward-decoder-1', $filter, @words);
my $message = pack('N/a*', $body);
my $rights = pack('Q l l l4', 16 + 16, SOL_SOCKET, SCM_RIGHTS, 0, 1, 2, 3);
my $vector = pack('J J', address_of($message), length $message);
my $header = pack('J L x4 J J J J L x4',
  0, 0, address_of($vector), 1, address_of($rights), length $rights, 0);
my $sent = syscall($numbers->{sendmsg}, fileno($decoder), $header, MSG_NOSIGNAL);
fail("not sent: $!") if $sent < 1;
while ($sent < length $message) {
  my $more = syswrite($decoder, $message, (length $message) - $sent, $sent);
  fail("not sent: $!") if !defined $more;
  $sent += $more;
}
# The decoder has them now: an end that stayed open here would hide that the other was closed.
POSIX::close($_) for 0 .. 3;

# One byte, its exit code; nothing where the decoder was killed with everything around it.
my $answer = '';
while (!defined sysread($decoder, $answer, 1)) { last if !$!{EINTR} }
POSIX::_exit(length $answer ? ord $answer : KILLED);
