// Browsers refuse workers to pages opened from disk. There, a hidden frame stands in for one: the worker's script runs in it,
// and messages go to and fro as events. The site's search is the only worker. Elsewhere nothing changes.
(() => {
  class FrameWorker extends EventTarget {
    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc = "<!doctype html><body></body>";
      this.frame = frame;
      this.started = new Promise((resolve, reject) => {
        frame.addEventListener("load", () => this.start(address).then(resolve, reject), { once: true });
      });
      document.body.append(frame);
    }

    // What the script expects to find in its global scope, then the script itself.
    start(address) {
      const scope = this.frame.contentWindow;
      scope.postMessage = (data) => {
        const event = new MessageEvent("message", { data });
        this.dispatchEvent(event);
        if (this.onmessage) this.onmessage(event);
      };
      scope.importScripts = async (...addresses) => {
        for (const each of addresses) await this.load(each);
      };
      return this.load(address);
    }

    load(address) {
      const script = this.frame.contentDocument.createElement("script");
      script.src = new URL(address, document.baseURI);
      return new Promise((resolve, reject) => {
        script.onload = resolve;
        script.onerror = () => reject(new Error(`cannot load ${address}`));
        this.frame.contentDocument.body.append(script);
      });
    }

    postMessage(data) {
      this.started.then(() => {
        const scope = this.frame.contentWindow;
        scope.dispatchEvent(new scope.MessageEvent("message", { data }));
      });
    }

    terminate() {
      this.frame.remove();
    }
  }

  window.IFrameWorker = FrameWorker; // the theme's search looks for this name
  if (location.protocol === "file:") window.Worker = FrameWorker;
})();
