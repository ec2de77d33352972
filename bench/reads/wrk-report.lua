-- Prints the result of wrk as one line of JSON. It defines no request, so that wrk sends its own at full speed.
function done(summary)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"not2xx":%d,"failed":%d}\n',
    summary.requests,
    summary.duration / 1e6,
    errors.status,
    errors.connect + errors.read + errors.write + errors.timeout
  ))
end
