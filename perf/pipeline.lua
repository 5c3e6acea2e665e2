-- wrk: sixteen requests at once on each connection.
--     wrk -c512 -d5s -s perf/pipeline.lua http://127.0.0.1:8080/
init = function(args)
    local requests = {}
    for i = 1, 16 do requests[i] = wrk.format("GET", "/") end
    pipelined = table.concat(requests)
end
request = function() return pipelined end
