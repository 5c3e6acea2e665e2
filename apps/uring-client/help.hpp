#pragma once

namespace uring_client::help {

/// What --help says before and behind the options.
inline constexpr const char* description = "Asks for URLs and prints the bodies of the responses as they arrive; or, "
                                           "as 'uring-client tcp', connects standard\n"
                                           "input and output to a socket. The options mean what they mean to curl.";

inline constexpr const char* footer = R"(Examples:
  uring-client http://127.0.0.1:8080/            print the page
  uring-client -i localhost:8080/missing         the same with its headers; the scheme may be left out
  uring-client -d name=value -v http://host/form send a form, and see what goes back and forth
  uring-client -LO https://host/big.iso          write a file, which is there whole or not at all
  uring-client -C - -O https://host/big.iso      go on with one that was interrupted
  uring-client -Z -O http://h/1 -O http://h/2    several at once, over connections that are kept
  uring-client -sw '%{http_code} %{time_total}\n' -o /dev/null http://host/
  printf 'hello\n' | uring-client tcp host 7     talk to any TCP server
  uring-client tcp --tls host 443                the same over TLS
  uring-client tcp --listen 127.0.0.1 7000       be the server for one peer

Files: a body goes to a file beside FILE, which takes its name when it is whole. What an interrupted transfer leaves
is FILE.part, if the server has said how to tell whether the page is still the same (an ETag or a date, in
FILE.part.from); -C - goes on with it if it is, and begins anew if it is not.

A terminal is shown control characters of a response as \x1b and the like (--raw-output: as they are), and no binary
(-o -: binary too).

-w knows %{http_code} %{http_version} %{method} %{scheme} %{url} %{url_effective} %{urlnum} %{content_type} %{errormsg}
%{exitcode} %{filename_effective} %{num_connects} %{num_headers} %{num_redirects} %{redirect_url}
%{remote_ip} %{remote_port} %{local_ip} %{local_port} %{size_download} %{size_header} %{size_request} %{size_upload}
%{speed_download} %{speed_upload} %{time_namelookup} %{time_connect} %{time_appconnect}
%{time_pretransfer} %{time_starttransfer} %{time_redirect} %{time_total} %header{NAME} %{onerror} %{stdout} %{stderr}
%% \n \r \t

Exit codes: (of the first URL that failed)
   0  done; an error status such as 404 is a response like any other (but see -f)
   1  the URL's scheme is not supported; or this system allows no io_uring
   2  the command line is wrong
   3  the URL, or that of a redirect, is malformed
   5  the proxy's name was not resolved
   6  the host's name was not resolved
   7  no connection was made
   8  the response is malformed, beyond its bounds, or not HTTP/1
  18  the response was cut short
  22  with -f: the status is 400 or above
  23  the output cannot be written
  26  standard input or a file to send cannot be read
  28  a time limit passed
  33  the server does not go on with a transfer (-C)
  35  the TLS handshake failed
  47  too many redirects
  52  the server closed the connection without a response
  55  sending failed
  56  receiving failed, or the proxy makes no tunnel
  58  the own certificate or its key cannot be used
  60  the server's certificate is not to be trusted
  61  what was compressed cannot be decompressed
  63  the body is larger than --max-filesize
  65  the body would have to be sent again, and can be read only once
  77  the certificates of --cacert, --capath, --crlfile or --proxy-cacert cannot be read)";

} // namespace uring_client::help
