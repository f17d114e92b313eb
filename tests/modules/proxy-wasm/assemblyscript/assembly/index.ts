// A proxy-wasm 0.2.0 plugin on the AssemblyScript SDK, that shows what its runtime asks of a host: buffers by `malloc`, the root's
// name by a property, logs of each step, answers of HTTP calls in the root's context, and `abort` by WASI's proc_exit.
//
//   any path    x-as: the plugin's configuration; the answer gets x-as-answer: yes
//   /denied     403 with the body "denied by as"
//   /pairs      x-pairs: how many fields the request's head has, by one list of them all
//   /body       x-body: the body, held with the head until it is whole
//   /auth       asks the upstream "auth" first: x-auth: its status
//   /throw      throws
export * from "@solo-io/proxy-runtime/proxy";
import {
  Context, FilterDataStatusValues, FilterHeadersStatusValues, GrpcStatusValues, HeaderPair, Headers, RootContext, registerRootContext,
  send_local_response, stream_context,
} from "@solo-io/proxy-runtime";
import { BufferTypeValues, get_buffer_bytes } from "@solo-io/proxy-runtime/runtime";

class Root extends RootContext {
  createContext(id: u32): Context {
    return new Plugin(id, this);
  }
}

class Plugin extends Context {
  path: string = "";

  onRequestHeaders(count: u32, ended: bool): FilterHeadersStatusValues {
    const head = stream_context.headers.request;
    this.path = head.get(":path");
    head.add("x-as", this.root_context.getConfiguration());
    if (this.path == "/denied") {
      send_local_response(403, "as", String.UTF8.encode("denied by as"), [pair("x-denied", "yes")], GrpcStatusValues.Ok);
      return FilterHeadersStatusValues.StopIteration;
    }
    if (this.path == "/pairs") {
      head.add("x-pairs", head.get_headers().length.toString());
    }
    if (this.path == "/throw") {
      throw new Error("thrown by as");
    }
    if (this.path == "/auth") {
      return this.ask();
    }
    return this.path == "/body" ? FilterHeadersStatusValues.StopIteration : FilterHeadersStatusValues.Continue;
  }

  onRequestBody(size: usize, ended: bool): FilterDataStatusValues {
    if (this.path == "/body") {
      if (!ended) {
        return FilterDataStatusValues.StopIterationAndBuffer;
      }
      const body = get_buffer_bytes(BufferTypeValues.HttpRequestBody, 0, size as u32);
      stream_context.headers.request.add("x-body", String.UTF8.decode(body));
    }
    return FilterDataStatusValues.Continue;
  }

  onResponseHeaders(count: u32, ended: bool): FilterHeadersStatusValues {
    stream_context.headers.response.add("x-as-answer", "yes");
    return FilterHeadersStatusValues.Continue;
  }

  private ask(): FilterHeadersStatusValues {
    const head: Headers = [pair(":method", "GET"), pair(":path", "/ask"), pair(":authority", "auth")];
    const nothing = new ArrayBuffer(0);
    this.root_context.httpCall("auth", head, nothing, [], 1000, this, (context, headers, size, trailers) => {
      const status = stream_context.headers.http_callback.get(":status");
      stream_context.headers.request.add("x-auth", status);
      context.continueRequest();
    });
    return FilterHeadersStatusValues.StopIteration;
  }
}

function pair(name: string, value: string): HeaderPair {
  return new HeaderPair(String.UTF8.encode(name), String.UTF8.encode(value));
}

registerRootContext((id: u32) => new Root(id), "as_root");
